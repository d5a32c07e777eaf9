// SPDX-License-Identifier: Apache-2.0
// Reassembly: keeps the fragments of packets for this node until all are there.
// (RFC 791 section 3.2, RFC 815, RFC 8200 section 4.5; bounds after RFC 8900.)
//
// One for all stages and both families.  Bounded in packets that are incomplete, in
// slots and in bytes, and by source; when a bound is reached, the oldest goes.
// A fragment that overlaps others takes the whole packet with it, and in IPv6 also what
// comes of it later (RFC 5722).  One that is there already is only a duplicate; in IPv4
// that is any whose bytes are all there.
//
// Threads: the worker.
// Time: add() does not allocate.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "partner/drop.h"
#include "partner/pool.h"
#include "paths/next_hop.h"
#include "paths/timers.h"

namespace weft {

// The frame of a packet, in front of its IP header.
using LinkHeader = std::array<uint8_t, 16>;

// A stage whose fragments are kept.
class ReassemblyUser {
 public:
  virtual ~ReassemblyUser() = default;
  // A fragment that was kept will not be part of anything.  `first` is the one with
  // offset 0, which still has its headers; the others are payload.
  virtual void lost(PacketPtr fragment, bool first, DropReason reason) = 0;
};

class Reassembly final : private Timer {
 public:
  static constexpr size_t kPackets = 256;          // incomplete at once
  static constexpr size_t kFragments = 2048;       // kept at once
  static constexpr size_t kPacketsPerSource = 32;  // incomplete at once
  static constexpr size_t kFragmentsPerPacket = 256;
  static constexpr uint64_t kBytes = 4u << 20;            // kept at once
  static constexpr uint64_t kTimeoutNs = 30'000'000'000;  // Linux's; RFC 8200 asks for 60 s at most

  // What the fragments of one packet have in common.
  struct Key {
    Address source{}, destination{};
    uint32_t id = 0;
    uint8_t family = 4;
    uint8_t protocol = 0;  // of IPv6: 0, whatever it is
    friend bool operator==(const Key&, const Key&) = default;
  };
  // Where a fragment belongs.
  struct Place {
    uint32_t headers;  // bytes in front of its payload, in one piece
    uint32_t offset;   // of its payload in that of the whole packet
    bool more;         // it is not the last
    uint8_t ecn;       // its two ECN bits
  };
  struct Outcome {
    // The headers of the first fragment and the payload of all, once it is complete.
    PacketPtr whole;
    uint32_t fragments = 0;    // that it was made of
    uint8_t ecn = 0;           // bit 1 << e for each value of the ECN bits that was seen
    LinkHeader link_header{};  // as given with the first fragment
  };

  // Uses at most a quarter of the pool.  `timers` is not touched when nothing is kept.
  Reassembly(Pool& pool, Clock& clock, Timers& timers);
  ~Reassembly() override;  // REQUIRES: nothing is kept
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  // Takes a fragment.  When it cannot be kept it stays in `p`, and the reason is
  // returned; `outcome.whole` is set when it was the missing one.
  // `link_header` is kept for a first fragment.
  std::optional<DropReason> add(ReassemblyUser& user, const Key& key, const Place& place,
                                const LinkHeader& link_header, PacketPtr& p, Outcome& outcome);

  // The user goes away: its fragments are lost with kPathClosed.
  void forget(ReassemblyUser& user);

  size_t packets() const;
  size_t fragments() const;

 private:
  struct State;

  void fire(uint64_t now_ns) override;

  std::unique_ptr<State> state_;
  Clock& clock_;
  Timers& timers_;
};

// The ECN bits of a packet put together from fragments with the bits in `seen` (as in
// Outcome::ecn); empty when they contradict each other.  (RFC 3168 section 5.3.)
std::optional<uint8_t> reassembled_ecn(uint8_t seen);

}  // namespace weft
