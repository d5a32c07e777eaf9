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

#include <span>
#include <string>

#include "geni/geni.h"
#include "nodeos_api/demuxkey.h"
#include "nodeos_api/domain.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
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

 protected:
  // The path text of a chain and its addresses.
  static Result<std::string> text_of(const char* protspec, const char* addrspec);
  static Result<QueueLimit> limit_of(an_NetSpec spec);

  // A path with one device; a cut-through path is an error.
  Result<void> open_one_sided(const char* protspec, const char* addrspec, an_NetSpec netspec, Partner* peer,
                              OpenPath options);
  Result<void> open_path(const std::string& text, Partner* peer, OpenPath options);
  void close_path();

  Domain& domain_;
  Opening opening_;
  Path* path_ = nullptr;
};

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
  void deliver_to(an_ChanRecvFunc one, an_ChanRecvVecFunc vector, void* arg) { to_.set(one, vector, arg); }
  // Delivers across the border to another process: what comes is pushed there.
  void deliver_across(Partner& border, Opening end) {
    border_ = &border;
    border_end_ = end;
  }
  bool has_function() const { return to_ || border_ != nullptr; }
  void suspend(bool suspended);

 private:
  // Partner: the path's far end.
  Result<Opening> open(std::string_view, Partner*, Opening) override { return kNoOpening; }
  void close(Opening) override {}
  void push(Opening which, Pvec& v) override;
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request&) override;
  // Takes the path off the worker, or gives it back, between two rounds.
  void fire(uint64_t now_ns) override;

  Delivery to_;
  Partner* border_ = nullptr;  // null: to a function
  Opening border_end_;
  bool suspended_ = true;
};

class OutChannel final : public Object<OutChannel>, public OutChanKind, public Channel, private Exit {
 public:
  explicit OutChannel(Domain& domain) : Channel(domain) {}

  Result<void> open(const char* protspec, const char* addrspec, an_NetSpec netspec);
  void destroy() override;

  // Takes packets from the front, which the domain holds.  Returns how many; when
  // fewer than all, the failure is noted.  On the worker.
  size_t send(std::span<Packet* const> packets) { return send_held(domain_, packets, *this); }
  // Takes packets from the front that come across the border: the domain makes and sends them.
  void send_across(Pvec& v);
  // What may wait at its end.
  QueueLimit limit() const;

 private:
  void take(Pvec& v) override;
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
  void destroy() override;
};

}  // namespace weft
