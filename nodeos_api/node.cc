// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/node.h"

#include <sys/eventfd.h>

#include <utility>

namespace weft {

namespace {

constinit std::mutex nodes_mutex;
// A handful at most: the process's node, or those of a test.
std::vector<Node*>& nodes() {
  static std::vector<Node*> all;
  return all;
}

}  // namespace

Node::Node(Worker& worker, Pool& pool, Clock& clock)
    : worker_(worker),
      pool_(pool),
      clock_(clock),
      pools_{&pool},
      root_(Domain::make(nullptr, *this, nullptr)) {
  std::lock_guard lock(nodes_mutex);
  nodes().push_back(this);
}

Node::~Node() {
  for (const auto& thread : left_behind_) thread->detach_at_last();
  control_queue_->close();
  std::lock_guard lock(nodes_mutex);
  std::erase(nodes(), this);
}

void Node::end_domains() {
  if (root_ != nullptr) root_->end(AN_TERM_NODE);
  root_ = nullptr;
}

Node* Node::only() {
  std::lock_guard lock(nodes_mutex);
  return nodes().size() == 1 ? nodes().front() : nullptr;
}

const Node* Node::here() { return running.node != nullptr ? running.node : only(); }

const Node* Node::of_this_control_thread() {
  std::lock_guard lock(nodes_mutex);
  for (const Node* node : nodes()) {
    if (node->on_control()) return node;
  }
  return nullptr;
}

// --- what others want of the control thread ------------------------------------

void Node::serve() {
  if (std::exchange(serving_, true)) return;
  eventfd_t ignored;  // read here only: a wait serves calls alone, and leaves the rest to this
  ::eventfd_read(control_fd(), &ignored);
  control_queue_->serve();
  end_condemned();
  check_pools();
  watch_run();
  reap_left_behind();
  serving_ = false;
}

void Node::condemn(an_Domain domain) {
  {
    std::lock_guard lock(condemned_mutex_);
    condemned_.push_back(domain);
  }
  wake();
}

void Node::end_condemned() {
  std::vector<an_Domain> condemned;
  {
    std::lock_guard lock(condemned_mutex_);
    condemned.swap(condemned_);
  }
  for (an_Domain handle : condemned) {
    if (Domain* domain = alive(handle)) end(*domain, AN_TERM_VIOLATION);
  }
}

// A check may destroy any pool.
void Node::check_pools() {
  std::vector<an_MemPool> told;
  for (const MemPool* pool : mem_pools_) {
    if (pool->told()) told.push_back(pool->handle());
  }
  for (an_MemPool handle : told) {
    const auto found = handles().find(reinterpret_cast<uint64_t>(handle), AN_MEMPOOL);
    if (found.object != nullptr) static_cast<MemPool*>(found.object)->check();
  }
}

// The domain of a run that goes on stays alive: its end waits for the worker.
void Node::watch_run() {
  const uint64_t due = run_due_ns_.load(std::memory_order_acquire);
  if (due == 0 || due == warned_due_ns_ || clock_.now_ns() < due) return;
  warned_due_ns_ = due;
  auto* domain = static_cast<Domain*>(handles().at(run_domain_.load(std::memory_order_relaxed)));
  an_log(domain->handle(), AN_LOG_WARNING,
         "a function of it runs longer than its thread pool allows, and holds up the worker");
}

void Node::reap_left_behind() {
  std::erase_if(left_behind_, [](const auto& thread) { return thread->try_reap(); });
}

bool Node::allows_control() const {
  if (on_control()) return true;
  if (running.on_worker) {
    fail(AN_ENOSYS, "not from a deliver function or an event: this call waits for the worker that runs them");
  } else {
    fail(AN_ENOSYS, "not from this thread: only the node's, and those that domains spawned, may call");
  }
  return false;
}

bool Node::allows_blocking() const {
  if (on_control()) return true;
  if (running.on_worker) {
    fail(AN_ENOSYS, "not from a deliver function or an event: this call may wait for a disk");
  } else {
    fail(AN_ENOSYS, "not from this thread: only the node's control thread may call");
  }
  return false;
}

}  // namespace weft
