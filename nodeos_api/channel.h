// SPDX-License-Identifier: Apache-2.0
// Channels: paths as a domain sees them.
//
//   InChannel    the partner at the far end of a path; hands what comes to the EE
//   OutChannel   pushes into the far end of a path that takes nothing in
//   CutChannel   a path between two devices
//
// (Snow on Silk, section 3.1: a channel is a path, its key and its limits.)
//
// Threads: made and destroyed on the control thread; push() and send() on the worker.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "geni/geni.h"
#include "nodeos_api/demuxkey.h"
#include "nodeos_api/domain.h"
#include "nodeos_api/geni_node.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/netspec.h"
#include "nodeos_api/object.h"
#include "nodeos_api/paid_exit.h"
#include "nodeos_api/quota.h"
#include "nodeos_api/transfer.h"
#include "partner/partner.h"

namespace weft {

class Channel : public DomainChannel {
 public:
  explicit Channel(Domain& domain) : domain_(domain) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Domain& domain() const { return domain_; }
  // The text of its path.
  const std::string& text() const { return path_->text(); }
  const Path& path() const { return *path_; }
  // On the worker.
  an_ChanStats stats() const;
  uint64_t waiting() const override { return path_ != nullptr ? path_->held() : 0; }
  void suspension_changed() override;

 protected:
  // The path text of a chain and its addresses.
  static Result<std::string> text_of(const char* protspec, const char* addrspec);
  // What a demux key adds to the key of a path.
  static std::function<Result<void>(DemuxKey&)> narrowed_by(const DemuxKeyObject* key);

  // A path with one device; a cut-through path is an error.
  Result<void> open_one_sided(const char* protspec, const char* addrspec, const NetLimits& limits,
                              Partner* peer, PathOptions options);
  Result<void> open_path(const std::string& text, Partner* peer, PathOptions options);
  void close_path();
  // Whether it is to rest for a reason of its own.
  virtual bool rests() const { return false; }

  Domain& domain_;
  Opening opening_;
  Path* path_ = nullptr;
  uint64_t bits_out_ = 0;  // bits per second that it may send, as its NetSpec says; 0: nothing said

 private:
  // Whether its queues are such as may be.
  static Result<void> check_queues(const PathOptions& options);
  // What the domain's principal allows; reserves it.
  Result<void> admit(const std::string& text, const PathOptions& options);

  Reservation reserved_;
  bool admitted_ = false;
};

class CutChannel;
class OutChannel;
class SendAddr;

class InChannel final : public Object<InChannel>,
                        public InChanKind,
                        public Channel,
                        private Partner,
                        private Timer {
 public:
  explicit InChannel(Domain& domain) : Channel(domain) {}

  Result<void> open(const char* protspec, const char* addrspec, an_NetSpec netspec,
                    const DemuxKeyObject* key);
  void destroy() override;

  // On the worker.
  an_InChan that_delivered(const Packet& p) const override;
  void deliver_to(const Delivery& to) { to_ = to; }
  // Delivers across the border to another process: what comes is pushed there.
  void deliver_across(Partner& border, Opening end) {
    border_ = &border;
    border_end_ = end;
  }
  bool has_function() const { return to_ || border_ != nullptr; }
  void suspend(bool suspended);
  // A packet that some domain holds comes in behind the chain.  Its status.
  int take_over(Packet& p);
  // The same of packets that come across the border: takes from the front.
  void take_across(Pvec& v) { path_->enqueue_behind(v); }
  // What waits behind the chain.
  const EndQueue& queue() const;
  // From now on all goes out by `out`; null: to the function.
  void join_cut(CutChannel* cut, OutChannel* out);
  CutChannel* cut() const { return cut_; }

 private:
  // Partner: the path's far end.
  Result<Opening> open(std::string_view, Partner*, Opening) override { return kNoOpening; }
  void close(Opening) override {}
  void push(Opening which, Pvec& v) override;
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request&) override;
  // Takes the path off the worker, or gives it back, between two rounds.
  void fire(uint64_t now_ns) override;

  bool rests() const override { return suspended_; }

  Delivery to_;
  Partner* border_ = nullptr;  // null: to a function
  Opening border_end_;
  bool suspended_ = true;
  CutChannel* cut_ = nullptr;
  OutChannel* relay_to_ = nullptr;
};

class OutChannel final : public Object<OutChannel>, public OutChanKind, public Channel, public PaidExit {
 public:
  explicit OutChannel(Domain& domain) : Channel(domain), PaidExit(domain) {}

  Result<void> open(const char* protspec, const char* addrspec, an_NetSpec netspec);
  void destroy() override;

  // Takes packets from the front, which the domain holds.  Returns how many; when
  // fewer than all, the failure is noted.  On the worker.
  size_t send(std::span<Packet* const> packets);
  // Takes packets from the front that come across the border: the domain makes and sends them.
  // `aim`: where to; they are the border's own, with the headroom of fresh ones.  Null: none.
  void send_across(Pvec& v, const Aim* aim);
  // Whether the packet could not be taken even by a channel that has rested.
  bool never_takes(const Packet& p) const;
  // What waits to pass it.
  const EndQueue& queue() const;
  // Sends one packet to where `aim` says.  Its status.  On the worker.
  int send_to(Packet* p, const Aim& aim);
  // Sends packets that no domain holds, from the front; what is left was refused.  On the worker.
  void relay(Pvec& v);

  // Errors: kAddressSpec.  [control]
  Result<Aim> aim(const char* addrspec);
  void add(SendAddr& to) { addresses_.push_back(&to); }
  void remove(SendAddr& to) { std::erase(addresses_, &to); }

  // It is half of a cut-through channel; null: no longer.  On the worker.
  void join_cut(CutChannel* cut) { cut_ = cut; }
  CutChannel* cut() const { return cut_; }
  an_ChanStats stats() const;

 private:
  void push_out(Pvec& v) override { GeniNode::of(domain_).geni().push(opening_, v); }

  CutChannel* cut_ = nullptr;
  std::vector<SendAddr*> addresses_;
};

class CutChannel final : public Object<CutChannel>, public CutChanKind, public Channel {
 public:
  explicit CutChannel(Domain& domain) : Channel(domain) {}

  struct Side {
    const char* protspec;
    const char* addrspec;
    an_NetSpec netspec;
  };
  Result<void> open(const Side& in, const Side& out, const DemuxKeyObject* key);
  Result<void> connect(InChannel& in, OutChannel& out);
  void destroy() override;
  an_ChanStats stats() const;

 private:
  InChannel* in_ = nullptr;  // null: it has a path of its own
  OutChannel* out_ = nullptr;
  an_ChanStats in_before_{}, out_before_{};
};

}  // namespace weft
