// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/node.h"

#include <mutex>

namespace weft {

namespace {

constinit std::mutex nodes_mutex;
// A handful at most: the process's node, or those of a test.
std::vector<Node*>& nodes() {
  static std::vector<Node*> all;
  return all;
}

}  // namespace

Node::Node(Worker& worker, Pool& pool, Clock& clock, FileSpace* files)
    : worker_(worker),
      pool_(pool),
      clock_(clock),
      files_(files),
      pools_{&pool},
      root_(Domain::make(nullptr, *this, nullptr)) {
  std::lock_guard lock(nodes_mutex);
  nodes().push_back(this);
}

Node::~Node() {
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

bool Node::allows_control() const {
  if (on_control()) return true;
  if (running.on_worker) {
    fail(AN_ENOSYS, "not from a deliver function or an event: this call waits for the worker that runs them");
  } else {
    fail(AN_ENOSYS, "not from this thread: only the node's control thread and its worker may call");
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
