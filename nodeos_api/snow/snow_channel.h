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
#include "paths/end_queue.h"
#include "paths/timers.h"

namespace weft::snow {

class SnowDemuxKey final : public SnowObject<SnowDemuxKey, DemuxKeyKind, Call::kDemuxkeyDestroy> {
 public:
  using SnowObject::SnowObject;
};

class SnowInChannel final : public Object<SnowInChannel>,
                            public InChanKind,
                            public DomainChannel,
                            private Timer {
 public:
  SnowInChannel(Domain& domain, const ChanCreated& made)
      : domain_(domain), at_node_(made.handle), opening_{made.opening} {}

  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  an_InChan that_delivered(const Packet& p) const override;
  void open();
  void destroy() override;

  // On the worker.
  Delivery& delivery() { return to_; }
  // The node's channel is suspended too; what was on its way waits here.
  void suspend(bool suspended);
  void suspension_changed() override;
  uint64_t waiting() const override { return waiting_.size(); }
  void receive(Pvec& v);

 private:
  void fire(uint64_t now_ns) override;
  void let_go();
  bool rests() const { return suspended_ || domain_.rests(); }

  Domain& domain_;
  const uint64_t at_node_;
  const Opening opening_;
  Delivery to_;
  bool suspended_ = true;
  std::vector<Packet*> waiting_;
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
        limit_{made.queue_packets, made.queue_bytes} {}

  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  void open();
  // The node keeps it to the rate too, and lets wait what this process does not refuse.
  using PaidExit::set_rate;
  void destroy() override;
  // As OutChannel::send().
  size_t send(std::span<Packet* const> packets) { return send_held(domain_, packets, *this); }

 private:
  void push_out(Pvec& v) override;

  Domain& domain_;
  const uint64_t at_node_;
  const Opening opening_;
  const QueueLimit limit_;
};

class SnowCutChannel final
    : public SnowObject<SnowCutChannel, CutChanKind, Call::kCutchanDestroy, DomainChannel> {
 public:
  using SnowObject::SnowObject;
};

}  // namespace weft::snow
