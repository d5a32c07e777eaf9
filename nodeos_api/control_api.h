// SPDX-License-Identifier: Apache-2.0
// What the [control] calls that make and destroy objects of domains have in common.
//
// Threads: any; the calls are made on the control thread.
#pragma once

#include "nodeos_api/domain.h"
#include "nodeos_api/hand_over.h"

namespace weft {

// The domain in which an object may be made now; null, with the failure noted, if there is none.
inline Domain* creator(an_Domain handle) {
  Domain* domain = find_open(handle);
  return domain != nullptr && domain->node().allows_control() ? domain : nullptr;
}

template <typename T>
int destroy(typename T::Handle handle) {
  if (on_own_thread()) return handed_over([&] { return destroy<T>(handle); });
  T* object = find<T>(handle);
  if (object == nullptr || !object->domain().node().allows_control()) return an_errno();
  object->destroy();
  return AN_OK;
}

}  // namespace weft
