// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/hand_over.h"

namespace weft {

namespace {

constexpr const char* kStrange =
    "not from this thread: it is neither the node's nor one that a domain spawned";

}  // namespace

bool is_known_thread() {
  if (on_own_thread() || running.node != nullptr || Node::of_this_control_thread() != nullptr) return true;
  fail(AN_ENOSYS, kStrange);
  return false;
}

Waiter* waiter_here() {
  if (on_own_thread()) return running.thread;
  if (running.on_worker) {
    fail(AN_ENOSYS, "not from a deliver function or an event: they must not wait");
    return nullptr;
  }
  const Node* node = running.node != nullptr ? running.node : Node::of_this_control_thread();
  if (node != nullptr) return node->control_queue().get();
  fail(AN_ENOSYS, kStrange);
  return nullptr;
}

}  // namespace weft
