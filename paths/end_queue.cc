// SPDX-License-Identifier: Apache-2.0
#include "paths/end_queue.h"

namespace weft {

void EndQueue::pop_into(Pvec& v) {
  const size_t n = std::min(size(), v.room());
  const size_t first = popped_.value() & mask_;
  const size_t unbroken = std::min(n, capacity() - first);
  v.adopt({&ring_[first], unbroken});
  if (unbroken < n) v.adopt({&ring_[0], n - unbroken});
  if (n == size()) {
    popped_bytes_.set(pushed_bytes_.value());
  } else {
    popped_bytes_.add(total_length(v.end() - n, n));
  }
  popped_.add(n);
  calm_until_ = 0;
}

void EndQueue::put_back(Pvec& v) {
  uint64_t at = popped_.value();
  for (size_t i = v.size(); i > 0; --i) ring_[--at & mask_] = v[i - 1];
  popped_.set(at);
  calm_until_ = 0;
  popped_bytes_.set(popped_bytes_.value() - total_length(v.begin(), v.size()));
  v.release_all();
}

}  // namespace weft
