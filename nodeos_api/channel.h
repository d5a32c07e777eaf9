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
#include "nodeos_api/object.h"
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

class InChannel final : public Object<InChannel>, public Channel, private Partner, private Timer {
 public:
  using Handle = an_InChan;
  static constexpr an_Kind kKind = AN_INCHAN;
  static constexpr const char* kDead = "the incoming channel was destroyed";
  static constexpr const char* kNever = "not an incoming channel";

  explicit InChannel(Domain& domain) : Channel(domain) {}

  Result<void> open(const char* protspec, const char* addrspec, an_NetSpec netspec,
                    const DemuxKeyObject* key);
  void destroy() override;

  // On the worker.
  an_InChan that_delivered(const Packet& p) const override;
  void deliver_to(an_ChanRecvFunc one, an_ChanRecvVecFunc vector, void* arg);
  bool has_function() const { return one_ != nullptr || vector_ != nullptr; }
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

  an_ChanRecvFunc one_ = nullptr;
  an_ChanRecvVecFunc vector_ = nullptr;
  void* arg_ = nullptr;
  bool suspended_ = true;
};

class OutChannel final : public Object<OutChannel>, public Channel {
 public:
  using Handle = an_OutChan;
  static constexpr an_Kind kKind = AN_OUTCHAN;
  static constexpr const char* kDead = "the outgoing channel was destroyed";
  static constexpr const char* kNever = "not an outgoing channel";

  explicit OutChannel(Domain& domain) : Channel(domain) {}

  Result<void> open(const char* protspec, const char* addrspec, an_NetSpec netspec);
  void destroy() override;

  // Takes packets from the front, which the domain holds.  Returns how many; when
  // fewer than all, the failure is noted.  On the worker.
  size_t send(std::span<Packet* const> packets);
};

class CutChannel final : public Object<CutChannel>, public Channel {
 public:
  using Handle = an_CutChan;
  static constexpr an_Kind kKind = AN_CUTCHAN;
  static constexpr const char* kDead = "the cut-through channel was destroyed";
  static constexpr const char* kNever = "not a cut-through channel";

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
