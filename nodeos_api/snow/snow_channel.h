// SPDX-License-Identifier: Apache-2.0
// Channels and demux keys behind Snow: the node's own, as this process knows them.
//
// Threads: made and destroyed on the control thread; receive() and send() on the worker.
#pragma once

#include <span>
#include <vector>

#include "nodeos_api/domain.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
#include "nodeos_api/paid_exit.h"
#include "nodeos_api/snow/snow_node.h"
#include "nodeos_api/transfer.h"
#include "paths/timers.h"

namespace weft::snow {

// Whether the node is to be told of an end: not if it knows it by the domain's.
inline bool node_must_hear(const Domain& domain) { return !domain.ending(); }

// The node's queue that this process fills.
inline ShmGuest::Queue queue_of(const ChanCreated& made) {
  return {made.queue_packets, made.queue_bytes, made.queue_displaces != 0};
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

class SnowDemuxKey final : public Object<SnowDemuxKey>, public DemuxKeyKind, public DomainPart {
 public:
  SnowDemuxKey(Domain& domain, uint64_t at_node) : domain_(domain), at_node_(at_node) {}
  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  void open() { domain_.add(static_cast<DomainPart&>(*this)); }
  void destroy() override;

 private:
  Domain& domain_;
  const uint64_t at_node_;
};

class SnowCutChannel;
class SnowSendAddr;

class SnowInChannel final : public Object<SnowInChannel>,
                            public InChanKind,
                            public DomainChannel,
                            private Timer {
 public:
  SnowInChannel(Domain& domain, const ChanCreated& made)
      : domain_(domain), at_node_(made.handle), opening_{made.opening}, queue_(queue_of(made)) {}

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
  Delivery& delivery() { return to_; }
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
        queue_(queue_of(made)) {}

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

class SnowCutChannel final : public Object<SnowCutChannel>, public CutChanKind, public DomainChannel {
 public:
  SnowCutChannel(Domain& domain, uint64_t at_node) : domain_(domain), at_node_(at_node) {}
  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  Places& places() { return places_; }
  void open() { domain_.add(static_cast<DomainChannel&>(*this)); }
  // It is these two, made one by the node.
  void join(SnowInChannel& in, SnowOutChannel& out);
  void destroy() override;

 private:
  Domain& domain_;
  const uint64_t at_node_;
  SnowInChannel* in_ = nullptr;  // null: it has a path of its own
  SnowOutChannel* out_ = nullptr;
  Places places_;
};

}  // namespace weft::snow
