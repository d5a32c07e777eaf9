// SPDX-License-Identifier: Apache-2.0
// Neighbours: packets that wait until the link address of their next hop is known.
//
// A stage that is about to write a link header and finds a next hop of kind
// kResolve hands the packet here.  The question goes to the control thread, which
// asks the kernel or the link; the answer comes back as a closure between rounds.
//
// Bounded: so many addresses, so many packets for each (RFC 1122 2.3.2.2 asks for
// at least one), and for all but the first of each together.  The longest datagram
// waits whole: it has 46 pieces on Ethernet, and all are lost with one.
//
// Threads: the worker; take_event() from the control thread.
// Time: hold() does not allocate.
#pragma once

#include <memory>

#include "partner/partner.h"
#include "paths/next_hop.h"

namespace weft {

// A stage whose packets may have to wait.
class NeighbourUser {
 public:
  virtual ~NeighbourUser() = default;
  // The packet may go on; its next_hop names a complete header.
  virtual void resolved(PacketPtr p) = 0;
  // It may not: no answer came, there was no room, or the user was forgotten.
  virtual void failed(PacketPtr p, DropReason reason) = 0;
};

// What the worker tells the control thread.
struct NeighbourEvent {
  enum Kind : uint8_t {
    kWanted,   // packets wait for this address
    kLearned,  // the link said: this address is at this MAC (ARP, neighbour discovery)
  };
  Kind kind = kWanted;
  uint8_t family = 4;  // 4 or 6
  uint16_t port = 0;   // Port::number
  Address address{};
  // kLearned only:
  MacAddress mac{};        // zero: the one that is known, still
  bool solicited = false;  // it answers a question of ours
  bool overrides = true;   // another MAC that is known (RFC 4861 section 4.4)
};

class Neighbours {
 public:
  static constexpr size_t kAddresses = 256;  // that may be waited for at once
  static constexpr size_t kPacketsPerAddress = 64;
  static constexpr size_t kPackets = 4096;  // behind the first of each address

  Neighbours();
  ~Neighbours();  // REQUIRES: nothing is held

  // Keeps `p` of `user` until `address` on `port` is known, and asks for it if
  // nobody did yet.  When there is no room the packet goes to user.failed() with
  // kNeighbourPending.
  void hold(NeighbourUser& user, uint16_t port, uint8_t family, const Address& address, PacketPtr p);

  // The answer: every packet that waits for it leaves with this next hop.
  void resolved(uint16_t port, uint8_t family, const Address& address, uint32_t next_hop);
  // No answer: every packet that waits for it fails with kNeighbourFailed.
  void failed(uint16_t port, uint8_t family, const Address& address);
  // The user goes away: its packets fail with kPathClosed.
  void forget(NeighbourUser& user);

  // Tells the control thread what was heard on the link.
  void learned(const NeighbourEvent& event);

  // --- control thread ---
  // False when there is none.
  bool take_event(NeighbourEvent& event);
  // Readable when take_event() would give one.
  int event_fd() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft
