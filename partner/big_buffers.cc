// SPDX-License-Identifier: Apache-2.0
#include "partner/big_buffers.h"

namespace weft {

BigBuffers::BigBuffers(size_t n) {
  all_.reserve(n);
  free_.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    auto* b = new Buffer;  // the bytes stay untouched: the host gives pages as they are used
    b->release = &BigBuffers::release;
    b->writable = true;
    b->home = this;
    all_.push_back(b);
    free_.push_back(b);
  }
}

BigBuffers::~BigBuffers() {
  for (Buffer* b : all_) {
    b->home = nullptr;
    if (b->references == 0) delete b;
  }
}

BigBuffers::Buffer* BigBuffers::take() {
  if (free_.empty()) return nullptr;
  Buffer* b = free_.back();
  free_.pop_back();
  return b;
}

void BigBuffers::release(Foreign* f) {
  auto* b = static_cast<Buffer*>(f);
  if (b->home != nullptr) {
    b->home->give(b);
  } else {
    delete b;
  }
}

}  // namespace weft
