// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/sizes.h"

#include "nodeos_api/event.h"
#include "nodeos_api/heap_object.h"
#include "nodeos_api/packet_hold.h"
#include "nodeos_api/sync_object.h"

namespace weft {

size_t size_of_shared(an_Kind kind) {
  switch (kind) {
    case AN_DOMAIN:
      return sizeof(Domain);
    case AN_EVENT:
      return sizeof(Event);
    case AN_MEMPOOL:
      return sizeof(MemPool);
    case AN_HEAP:
      return sizeof(HeapObject);
    case AN_THREAD:
      return sizeof(ThreadObject);
    case AN_MUTEX:
      return sizeof(MutexObject);
    case AN_COND:
      return sizeof(ConditionObject);
    case AN_ATTACHED:
      return kAttachedSize;
    default:
      return 0;
  }
}

}  // namespace weft
