// SPDX-License-Identifier: Apache-2.0
// ShmGuest: the other process's end of the rings (shm_ring.h).
//
// Packets lie in pools on the shared memory, so that they cross without a copy of its own:
// what is pushed is the node's to read until it has passed, and what is pulled lies in
// slots that were lent to the node.
//
// The node numbers the openings; the guest says what each may have on its way.
//
// Threads: one worker.
// Invariants: every slot of `pool` is free, lent to the node, or with the guest's packets.
#pragma once

#include <vector>

#include "partner/partner.h"
#include "partner/pool.h"
#include "partner/shm_memory.h"
#include "partner/sleeper.h"

namespace weft {

class ShmGuest final : public Partner, public Sleeper {
 public:
  // `pool` lies on the memory, and has as many packets as a ring has entries, or fewer; all
  // are lent.  Both outlive the guest.
  ShmGuest(ShmMemory& memory, Pool& pool);
  // All that was lent, or was on its way, is back in its pool.
  ~ShmGuest() override;

  // At most so much of an opening is on its way to the node.
  void limit(Opening which, uint32_t packets, uint64_t bytes);
  // What is on the way of `which` counts as on that of `of`, which has a limit and closes after it.
  void share(Opening which, Opening of);

  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  // Takes packets up to the first for which the ring, or the opening's way, has no room.
  void push(Opening which, Pvec& v) override;
  // Gives packets of all openings; Packet::next_hop is the id of each one's.
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

  bool falls_asleep() override;
  void wakes() override;

 private:
  struct Way {
    uint32_t opening = kNoOpening.id;
    uint32_t counts_as = kNoOpening.id;  // itself, or whose it shares
    uint32_t max_packets = 0;
    uint64_t max_bytes = 0;
    uint32_t packets = 0;  // on it
    uint64_t bytes = 0;
  };
  // What a descriptor of tx stands for.
  struct Flight {
    Packet* packet;  // null: it goes on in the next
    uint32_t opening;
    uint32_t bytes;
  };

  Way* way(uint32_t opening) {
    const size_t index = uint16_t(opening);
    return index < ways_.size() && ways_[index].opening == opening ? &ways_[index] : nullptr;
  }
  Way& new_way(Opening which);
  void lend();
  void reap();
  void land(const Flight& flight);
  Packet* returned(uint32_t offset);
  bool write(Opening which, const Way& way, const Packet& p, uint32_t room);

  ShmMemory& memory_;
  Pool& pool_;
  std::vector<bool> lent_;  // by slot of the pool
  std::vector<Flight> flights_;
  std::vector<Way> ways_;  // by the lower half of the opening's id
  uint32_t rx_ = 0, tx_ = 0, fill_ = 0;
  uint32_t landed_ = 0;  // of tx
  PartnerStats stats_;
};

}  // namespace weft
