// SPDX-License-Identifier: Apache-2.0
// Domain: what channels, packets and events are charged to, and what they end with.
// Domains form a tree that limits termination only.  (Snow on Silk, section 2.1.)
//
// Threads: made and ended on the control thread; the ledger and the events belong to
//   the worker.
// Invariants: received + made = sent + dropped + held, between rounds.
#pragma once

#include <atomic>
#include <vector>

#include "nodeos_api/domain_files.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
#include "nodeos_api/quota.h"
#include "partner/drop.h"
#include "paths/account.h"
#include "paths/timers.h"

namespace weft {

class Event;
class Node;

// What a domain has, and takes along when it ends.
class DomainPart {
 public:
  virtual ~DomainPart() = default;
  // Closes it, leaves the domain, and frees this.  [control]
  virtual void destroy() = 0;
};

// A channel of a domain.
class DomainChannel : public DomainPart {
 public:
  // The domain was suspended or resumed.  On the worker, at the beginning of a round.
  virtual void suspension_changed() {}
  // Packets in its queues.
  virtual uint64_t waiting() const { return 0; }
  // Its handle, if it is the incoming channel that delivered the packet; else null.
  virtual an_InChan that_delivered(const Packet&) const { return nullptr; }
};

class Domain final : public Object<Domain>, public DomainKind, private Timer {
 public:
  struct Ledger {
    Counter received, made, sent, held;
    DropCounters drops;
  };

  // `parent` is null for the root of a node.
  Domain(Node& node, Domain* parent);

  // What bounds it: that of the credentials that it showed, else its parent's; null: nothing.
  // Set once, before anybody sees the domain.
  Quota* quota() const { return quota_; }
  void draw_on(Quota* quota) { quota_ = quota; }
  // Whether it may hold so many slots of the pool more.
  bool may_hold(size_t slots) const { return quota_ == nullptr || quota_->may_hold(slots); }

  Node& node() const { return node_; }
  Domain* parent() const { return parent_; }
  bool descends_from(const Domain& ancestor) const;
  // Behind Snow: what the node calls it.
  uint64_t at_node() const { return at_node_; }
  void set_at_node(uint64_t handle) { at_node_ = handle; }

  // Calls the init function in the domain.  Its status.
  int initialise(an_DomainInitFunc init, void* arg);
  void set_termination(an_DomainTermFunc f, void* arg) {
    term_ = f;
    term_arg_ = arg;
  }
  bool initialising() const { return initialising_; }
  bool ending() const { return ending_; }
  // Whether the caller may end it now; if not, the failure is noted.
  bool may_be_destroyed() const;
  // Ends the descendants, then this, and frees it.  [control]
  void end(an_TermReason reason);

  // Called by what the domain owns when it comes and goes.  [control]
  void add(Domain& child);
  void add(DomainChannel& channel);
  void add(DomainPart& part) { parts_.push_back(&part); }
  void remove(DomainChannel& channel);
  void remove(DomainPart& part) { std::erase(parts_, &part); }

  // Read on the worker, or on the control thread.
  const std::vector<Domain*>& children() const { return children_; }
  const std::vector<DomainChannel*>& channels() const { return channels_; }

  // Nothing of a suspended domain runs.  On the worker; what is running comes to its end.
  bool suspended() const { return suspended_; }
  void suspend(bool suspended);
  const std::vector<DomainPart*>& parts() const { return parts_; }
  // Its parent's space, or, of a root, the node's.
  DomainFiles& files() { return files_; }

  // On the worker.
  std::vector<Event*>& events() { return events_; }
  Ledger& ledger() { return ledger_; }
  Account& account() { return account_; }

  // Writes a line to the log of the GeniNode, unless the domain has said enough this second.
  void log(an_LogLevel level, const char* text);

 private:
  // A suspension takes hold, or ends.
  void fire(uint64_t now_ns) override;
  // On the worker: nothing of the domain is left there.
  void clear_worker();

  Node& node_;
  Domain* parent_;
  uint64_t at_node_ = 0;
  an_DomainTermFunc term_ = nullptr;
  void* term_arg_ = nullptr;
  Quota* quota_ = nullptr;
  bool initialising_ = false;
  bool ending_ = false;
  bool suspended_ = false;
  std::vector<Domain*> children_;  // as channels_: changed while the worker stands between rounds
  std::vector<DomainChannel*> channels_;
  std::vector<DomainPart*> parts_;  // that are no channels
  DomainFiles files_;
  std::vector<Event*> events_;
  Ledger ledger_;
  Account account_;
  std::atomic<uint64_t> log_second_{0}, log_lines_{0}, log_lost_{0};
};

// The domain, if it is alive and not about to end; else null, with the failure noted.
Domain* find_open(an_Domain handle);

}  // namespace weft
