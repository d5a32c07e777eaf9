// SPDX-License-Identifier: Apache-2.0
// Channels and demux keys behind Snow: the node's own, as this process knows them.
//
// Threads: made and destroyed on the control thread; receive() and send() on the worker.
#pragma once

#include <span>
#include <vector>

#include "nodeos_api/paid_exit.h"
#include "nodeos_api/snow/snow_object.h"
#include "nodeos_api/transfer.h"
#include "paths/timers.h"

namespace weft::snow {

// The node's queue that this process fills: that of an incoming channel, others fill too.
inline ShmGuest::Queue queue_of(const ChanCreated& made, bool shared) {
  return {made.queue_packets, made.queue_bytes, made.queue_displaces != 0, shared};
}

// What a channel's queues take of its principal's memory, here as in the node.
class Places {
 public:
  Places() = default;
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;
  ~Places() {
    if (quota_ != nullptr) quota_->release_channel({slots_, 0});
  }
  // False, with the failure noted, if the domains hold too much.
  bool take(Quota* quota, uint64_t slots) {
    if (quota == nullptr) return true;
    if (auto admitted = quota->admit_channel({slots, 0}, 0); !admitted) {
      fail(admitted.error());
      return false;
    }
    quota_ = quota;
    slots_ = slots;
    return true;
  }

 private:
  Quota* quota_ = nullptr;
  uint64_t slots_ = 0;
};

class SnowDemuxKey final : public SnowObject<SnowDemuxKey, DemuxKeyKind, Call::kDemuxkeyDestroy> {
 public:
  using SnowObject::SnowObject;
};

class SnowCutChannel;
class SnowSendAddr;

class SnowInChannel final : public Object<SnowInChannel>,
                            public InChanKind,
                            public DomainChannel,
                            private Timer {
 public:
  SnowInChannel(Domain& domain, const ChanCreated& made)
      : domain_(domain), at_node_(made.handle), opening_{made.opening}, queue_(queue_of(made, true)) {}

  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  // Suspends the node's channel too, or resumes both.  A status.
  int pause();
  int resume();
  bool has_function() const;
  // From now on all goes out by the node's other half; null: to the function.  [control]
  void join_cut(SnowCutChannel* cut);
  SnowCutChannel* cut() const { return cut_; }
  an_InChan that_delivered(const Packet& p) const override;
  Places& places() { return places_; }
  void open();
  void destroy() override;

  // On the worker.
  void deliver_to(const Delivery& to) { to_ = to; }
  // The node's channel is suspended too; what was on its way waits here.
  void suspend(bool suspended);
  void suspension_changed() override;
  uint64_t waiting() const override { return waiting_.size(); }
  void receive(Pvec& v);
  // As InChannel::take_over(): it goes behind what waits in the node's channel.
  int take_over(Packet& p);

 private:
  void fire(uint64_t now_ns) override;
  void let_go();
  bool rests() const { return suspended_ || domain_.rests(); }

  Domain& domain_;
  const uint64_t at_node_;
  const Opening opening_;
  const ShmGuest::Queue queue_;
  Delivery to_;
  SnowCutChannel* cut_ = nullptr;
  bool suspended_ = true;
  std::vector<Packet*> waiting_;
  Places places_;
};

class SnowOutChannel final : public Object<SnowOutChannel>,
                             public OutChanKind,
                             public DomainChannel,
                             public PaidExit {
 public:
  SnowOutChannel(Domain& domain, const ChanCreated& made)
      : PaidExit(domain),
        domain_(domain),
        at_node_(made.handle),
        opening_{made.opening},
        queue_(queue_of(made, false)) {}

  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  Places& places() { return places_; }
  void open();
  // The node keeps it to the rate too, and lets wait what this process does not refuse.
  using PaidExit::set_rate;
  void destroy() override;
  // As OutChannel's.
  size_t send(std::span<Packet* const> packets);
  int send_to(Packet* p, const SnowSendAddr& to);

  Opening opening() const { return opening_; }
  void add(SnowSendAddr& to) { addresses_.push_back(&to); }
  void remove(SnowSendAddr& to) { std::erase(addresses_, &to); }
  // It is half of a cut-through channel; null: no longer.  [control]
  void join_cut(SnowCutChannel* cut);
  SnowCutChannel* cut() const { return cut_; }

 private:
  void push_out(Pvec& v) override;

  Domain& domain_;
  const uint64_t at_node_;
  const Opening opening_;
  const ShmGuest::Queue queue_;
  Opening way_out_ = opening_;  // of what is being sent: the channel's, or an address's
  SnowCutChannel* cut_ = nullptr;
  std::vector<SnowSendAddr*> addresses_;
  Places places_;
};

class SnowCutChannel final
    : public SnowObject<SnowCutChannel, CutChanKind, Call::kCutchanDestroy, DomainChannel> {
 public:
  using SnowObject::SnowObject;
  Places& places() { return places_; }
  // It is these two, made one by the node.
  void join(SnowInChannel& in, SnowOutChannel& out);
  void destroy() override;

 private:
  SnowInChannel* in_ = nullptr;  // null: it has a path of its own
  SnowOutChannel* out_ = nullptr;
  Places places_;
};

}  // namespace weft::snow
