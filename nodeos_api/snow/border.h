// SPDX-License-Identifier: Apache-2.0
// Border: where the packets of one EE cross: its rings, joined to its channels.
//
// Incoming channels push into the rings.  What the EE sends is pulled each round and goes to
// the outgoing channel of its opening.  What a channel's queue has no room for waits, or what is
// over its rate, and all that is behind it in the ring with it: so nothing that the EE was told
// was taken is lost for want of room.  The same becomes of all of it while the EE's share of the
// packet pool is used up.  An EE whose library keeps to what it is told of the queues
// (ShmRing::tell_left) does not come to that but for the rate.
//
// Threads: made, opened and closed on the control thread; the rest on the worker.
#pragma once

#include <unordered_map>
#include <vector>

#include "nodeos_api/channel.h"
#include "nodeos_api/geni_node.h"
#include "partner/shm_ring.h"
#include "paths/pool_share.h"
#include "paths/work_meter.h"

namespace weft::snow {

class Border final : private Partner, private Sleeper {
 public:
  // `payer` is the domain that pays for the copies, `share` what it may have of the pool; they
  // outlive the border's joint.
  Border(GeniNode& node, ShmMemory memory, Domain& payer, const PoolShare& share);
  // REQUIRES: stop() was called, and the channels that opened it are closed
  ~Border() override = default;

  // Takes the joint off the worker: nothing of the EE is pulled any more.  What waited is
  // dropped.
  void stop();

  // Takes what the EE has sent so far, so that a call finds what was sent before it.
  void take_all();

  // A use of the rings by an incoming channel, or by an outgoing one.
  Result<Opening> open(InChannel& channel);
  Result<Opening> open(OutChannel& channel);
  // The same for packets to a prepared address.
  Result<Opening> open(SendAddr& to);
  void close(Opening which) override;

  const ShmRing& ring() const { return ring_; }
  // Packets of the EE that no channel took.
  const DropCounters& drops() const { return drops_; }

 private:
  // Partner: both ends of the joint.
  Result<Opening> open(std::string_view, Partner*, Opening) override { return kNoOpening; }
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override {
    return ring_.control(which, request);
  }
  bool falls_asleep() override;
  void wakes() override { ring_.wakes(); }

  // Where the EE's packets of an opening go.
  struct Use {
    uint32_t opening = kNoOpening.id;
    an_Kind kind = AN_OUTCHAN;  // or AN_INCHAN, AN_SENDADDR
    uint64_t to = 0;            // its handle, of the node's
    uint16_t leads_to = 0;      // the index of itself; of an address, of its channel
    uint32_t taken = 0;         // of the EE's packets; wraps
    uint32_t told_left = 0;     // of these, that the EE knows to have left the queue
    bool watched = false;
  };

  Result<Opening> open(an_Kind kind, uint64_t to, uint64_t leads_to);
  Use* use(uint32_t opening);
  void send(uint32_t opening, Pvec& run);
  void send_by(OutChannel& channel, const Aim* aim, Pvec& run);
  const EndQueue* queue(const Use& use) const;
  bool tell_left(Use& use);
  void tell_all_left() {
    if (!watched_.empty()) tell_left_of_watched();
  }
  void tell_left_of_watched();

  GeniNode& node_;
  ShmRing ring_;
  WorkMeter payer_;
  const PoolShare& share_;
  std::vector<Use> uses_;                          // by ShmRing::index(); changed between rounds only
  std::unordered_map<uint64_t, uint16_t> queues_;  // of these, those of channels, by handle
  std::vector<uint16_t> watched_;                  // uses behind which packets of the EE may wait
  Pvec waiting_;
  DropCounters drops_;
  uint32_t joint_ = 0;
};

}  // namespace weft::snow
