// SPDX-License-Identifier: Apache-2.0
// What the library's calls have in common.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/hand_over.h"
#include "nodeos_api/snow/snow_node.h"

namespace weft::snow {

inline Connection& to_node(const Domain& domain) { return SnowNode::of(domain).connection(); }

// An object of this process for one that the node has made.  If there can be none, the node's
// is destroyed again.
template <typename T, Call kDestroy, typename Owner, typename Made>
T* adopt(void* mem, Owner& owner, const Made& made, uint64_t handle) {
  T* object = T::make(mem, owner, made);
  if (object == nullptr) {
    const LastFailure why = LastFailure::of_this_thread();
    if constexpr (requires { owner.domain(); }) {
      to_node(owner.domain()).template call<kDestroy>({handle});
    } else {
      to_node(owner).template call<kDestroy>({handle});
    }
    LastFailure::of_this_thread() = why;
    return nullptr;
  }
  object->open();
  return object;
}

template <typename T>
int destroy(typename T::Handle handle) {
  if (on_own_thread()) return handed_over([&] { return destroy<T>(handle); });
  T* object = find<T>(handle);
  if (object == nullptr || !object->domain().node().allows_control()) return an_errno();
  object->destroy();
  return AN_OK;
}

}  // namespace weft::snow
