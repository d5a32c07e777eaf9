// SPDX-License-Identifier: Apache-2.0
#include "paths/end_queue.h"

namespace weft {

void EndQueue::put_back(Pvec& v) {
  for (size_t i = v.size(); i > 0; --i) {
    Packet* p = v[i - 1];
    bytes_ += p->total_length();
    ring_[--head_ & (ring_.size() - 1)] = p;
  }
  v.release_all();
  length_.set(size());
}

}  // namespace weft
