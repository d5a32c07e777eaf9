// SPDX-License-Identifier: Apache-2.0
// ShmGuest: the other process's end of the rings (shm_ring.h).
//
// Packets lie in pools on the shared memory, so that they cross without a copy of its own:
// what is pushed is the node's to read until it has passed, and what is pulled lies in
// slots that were lent to the node.
//
// The node numbers the openings, and tells for each how many packets have left the queue behind
// it; so the guest knows what is there or on its way, and refuses what would find no room.  It
// looks how far the node is when it must know, not for each packet: the line is the node's.
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

  // The queue behind an opening.
  struct Queue {
    uint32_t packets = 0;  // a power of two
    uint64_t bytes = 0;
    bool displaces = false;  // what does not fit displaces the oldest
    bool shared = false;     // others fill it too: it may come to hold more by itself
  };
  void open(Opening which, const Queue& queue);
  // What goes by `which` goes to the queue behind `to`, which closes after it.
  void share(Opening which, Opening to);

  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  // Takes packets up to the first for which the ring, or the queue, has no room.
  void push(Opening which, Pvec& v) override;
  // Gives packets of all openings; Packet::next_hop is the id of each one's.
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

  bool falls_asleep() override;
  void wakes() override;

 private:
  struct Way {
    uint32_t opening = kNoOpening.id;
    uint32_t leads_to = kNoOpening.id;  // itself, or whose queue it shares
    Queue queue;
    // Unless the queue displaces.  Counts wrap.
    uint32_t sent = 0;
    uint32_t told_left = 0;  // less than before if others have filled the queue meanwhile
    uint32_t left = 0;       // the most that was told
    uint64_t bytes = 0;      // of those that have not left
    std::vector<uint32_t> lengths;

    bool has_room(uint32_t length) const {
      if (queue.displaces) return length <= queue.bytes;
      return sent - told_left < queue.packets && bytes + length <= queue.bytes;
    }
    void enter(uint32_t length);
    void leave(uint32_t left_now);
  };

  Way* way(uint32_t opening) {
    const size_t index = uint16_t(opening);
    return index < ways_.size() && ways_[index].opening == opening ? &ways_[index] : nullptr;
  }
  Way& new_way(Opening which);
  void hear_left(Way& way);
  bool has_room(Way& way, uint32_t length);
  void lend();
  void reap();
  Packet*& flight(uint32_t at) { return flights_[at & (flights_.size() - 1)]; }
  const ShmDescriptor& rx_descriptor(uint32_t at) const {
    return memory_.rx_descriptors()[at & (memory_.layout().entries - 1)];
  }
  // Of the piece that is described so; null if its slot was not lent.
  Packet* returned(const ShmDescriptor& d);
  Packet* join_rest(Packet* first);
  bool write(Opening which, const Packet& p, ShmWriter& tx);
  void ask_for_rest(uint32_t given);
  void idle();

  ShmMemory& memory_;
  Pool& pool_;
  const uint32_t reap_every_;     // descriptors: few, beside those of the ring
  std::vector<uint8_t> lent_;     // 1: it is; by slot of the pool
  std::vector<Packet*> flights_;  // by descriptor of tx; null: the packet goes on in the next
  std::vector<Way> ways_;         // by the lower half of the opening's id
  uint32_t rx_ = 0, tx_ = 0, fill_ = 0;
  uint32_t landed_ = 0;      // of tx
  uint32_t idle_pulls_ = 0;  // since something came, or landed
  PartnerStats stats_;
};

}  // namespace weft
