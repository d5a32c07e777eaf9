// SPDX-License-Identifier: Apache-2.0
// Domain: what channels, packets and events are charged to, and what they end with.
// Domains form a tree that limits termination only.  (Snow on Silk, section 2.1.)
//
// Threads: made and ended on the control thread; the ledger and the events belong to
//   the worker.
// Invariants: received + made = sent + dropped + held, between rounds; ledger().slots is what
//   the held packets fill.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "nodeos_api/domain_part.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/mem_pool.h"
#include "nodeos_api/object.h"
#include "nodeos_api/quota.h"
#include "nodeos_api/thread_pool.h"
#include "partner/drop.h"
#include "paths/account.h"
#include "paths/timers.h"

namespace weft {

class Event;
class FileSpace;
class Node;
class PoolShare;

// A share of what holds an EE's functions in memory; null: they are the process's own.  Where the
// last is let go of nothing is unloaded (mee/shared_object.h), so that it may be from anywhere.
using CodeShare = std::shared_ptr<const void>;

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
    Counter slots;  // of the pools, that the packets held fill
    DropCounters drops;
  };

  // `parent` is null for the root of a node.
  Domain(Node& node, Domain* parent);

  // What bounds it: that of the credentials that it showed, else its parent's; null: nothing.
  // Set once, before anybody sees the domain.
  Quota* quota() const { return quota_; }
  void draw_on(Quota* quota) {
    quota_ = quota;
    if (quota != nullptr) account_.charge_to(&quota->account());
  }
  // The files that it sees: those of the credentials that it showed, else its parent's; null: none.
  // Likewise.
  FileSpace* files() const { return files_; }
  void see(FileSpace* files) { files_ = files; }
  // What the queues of its channels draw on: its parent's; null: nothing bounds them together.
  // Likewise.
  PoolShare* share() const { return share_; }
  void set_share(PoolShare* share) { share_ = share; }
  // Whether its principal may hold so many slots of the pool more.
  bool may_hold(size_t slots) const { return quota_ == nullptr || quota_->may_hold(slots); }

  Node& node() const { return node_; }
  Domain* parent() const { return parent_; }
  bool descends_from(const Domain& ancestor) const;
  // How deep it lies, as its EE sees it: what is above its topmost is not the EE's.
  static constexpr unsigned kTopmost = 1, kDeepest = 64;
  unsigned level() const { return level_; }
  // It is what an EE in another process has for the root.  REQUIRES: it has nothing yet
  void stand_for_root() { level_ = 0; }
  // Behind Snow: what the node calls it.
  uint64_t at_node() const { return at_node_; }
  void set_at_node(uint64_t handle) { at_node_ = handle; }

  // Of the code of its functions.  Its children have theirs, and whatever calls that code and may
  // outlive the domain.
  const CodeShare& code() const { return code_; }
  // It is the topmost of an EE, whose code that is.  REQUIRES: it has nothing yet
  void share_code(CodeShare code) {
    code_ = std::move(code);
    level_ = kTopmost;
  }

  // Calls the init function in the domain.  Its status.
  int initialise(an_DomainInitFunc init, void* arg);
  void set_termination(an_DomainTermFunc f, void* arg) {
    term_ = f;
    term_arg_ = arg;
  }
  // Whether it or a descendant is coming or going: its init function runs, or it is ending.
  bool in_transition() const;
  bool ending() const { return ending_; }
  // Whether it is the caller's own, or below that: what the node's own code calls for may be any.
  bool is_callers() const;
  // Whether the caller may end it now; if not, the failure is noted.
  bool may_be_destroyed() const;
  // Whether the caller may suspend it (`itself`: also if it is the caller's own) or resume it;
  // if not, the failure is noted.
  bool may_be_suspended(bool itself) const;
  // Ends the descendants, then this, and frees them.  Nothing, if it is ending.  [control]
  void end(an_TermReason reason);

  // Called by what the domain owns when it comes and goes.  [control]
  void add(Domain& child);
  void add(DomainChannel& channel);
  void add(DomainPart& part) { parts_.push_back(&part); }
  void remove(DomainChannel& channel);
  void remove(DomainPart& part);

  // Read on the worker, or on the control thread.
  const std::vector<Domain*>& children() const { return children_; }
  const std::vector<DomainChannel*>& channels() const { return channels_; }

  // Nothing of a suspended domain runs.  On the worker; what is running comes to its end.
  bool suspended() const { return suspended_; }
  void suspend(bool suspended);
  // Nothing of it runs for that reason, or because its principal has used up its CPU time.
  bool pauses() const { return suspended_ || (quota_ != nullptr && quota_->over_cpu()); }
  // A pause takes hold, or ends.  On the worker, between rounds.
  void pause_changed();
  const std::vector<DomainPart*>& parts() const { return parts_; }

  // On the worker.
  std::vector<Event*>& events() { return events_; }
  Ledger& ledger() { return ledger_; }
  Account& account() { return account_; }

  // --- what it may use ------------------------------------------------------

  // Its threads.  [control]
  ThreadPool& threads() { return threads_; }
  // The memory pool that it is charged to; null: none.  On the worker, or control.
  MemPool* memory() const { return memory_; }
  void set_memory(MemPool* pool) { memory_ = pool; }
  // Charges `bytes` of implicit objects and stacks, here and to the memory pool.  False, with
  // the failure noted, if that is too much.  On the worker, or control.
  bool charge(size_t bytes);
  void give_back(size_t bytes);
  // What charge() has charged, and its own bytes.
  uint64_t charged_bytes() const;

  // On the worker: its packets fill `n` more slots, or less.
  void take_slots(uint64_t n) {
    ledger_.slots.add(n);
    if (memory_ != nullptr) memory_->take_slots(n);
    if (quota_ != nullptr) quota_->hold(n);
  }
  void give_back_slots(uint64_t n) {
    ledger_.slots.set(ledger_.slots.value() - n);
    if (memory_ != nullptr) memory_->give_back_slots(n);
    if (quota_ != nullptr) quota_->let_go(n);
  }
  // Whether a packet of so many slots may be made.  If not, the failure is noted.
  bool has_room_for(uint64_t slots) const;

  // It broke a rule: nothing of it runs on the worker any more, and the control thread ends
  // it.  On the worker.
  void condemn();
  bool condemned() const { return condemned_; }
  // Nothing of it runs now, for whatever reason.  On the worker.
  bool rests() const { return pauses() || condemned_; }

  // Writes a line to the log of the GeniNode, unless the domain has said enough this second.
  void log(an_LogLevel level, const char* text);

 private:
  void fire(uint64_t) override { pause_changed(); }
  // On the worker: nothing of the domain is left there but its packets.  Returns how much that was.
  unsigned clear_worker();
  // A child is gone.  On the worker.
  void forget(Domain& child);
  static void end_threads(const std::vector<Domain*>& all);
  // What is done with each when nothing of it runs any more; frees it.
  void finish(an_TermReason reason);

  Node& node_;
  Domain* parent_;
  unsigned level_;
  uint64_t at_node_ = 0;
  an_DomainTermFunc term_ = nullptr;
  void* term_arg_ = nullptr;
  Quota* quota_ = nullptr;
  FileSpace* files_ = nullptr;
  CodeShare code_;
  PoolShare* share_ = nullptr;
  bool initialising_ = false;
  bool ending_ = false;
  bool suspended_ = false;
  bool condemned_ = false;     // the worker's
  MemPool* memory_ = nullptr;  // as children_: changed while the worker stands between rounds
  std::atomic<uint64_t> charged_{0};
  ThreadPool threads_{*this};
  std::vector<Domain*> children_;  // likewise, and channels_
  std::vector<DomainChannel*> channels_;
  std::vector<DomainPart*> parts_;  // that are no channels
  std::vector<Event*> events_;
  Ledger ledger_;
  Account account_;
  std::atomic<uint64_t> log_second_{0}, log_lines_{0}, log_lost_{0};
};

// The domain, if it is alive and not about to end; else null, with the failure noted.
Domain* find_open(an_Domain handle);
// The same, and nothing is noted.
Domain* alive(an_Domain handle);
// Of the functions that whoever calls here gives for something of `domain`.
const CodeShare& code_of_caller(const Domain& domain);

}  // namespace weft
