// SPDX-License-Identifier: Apache-2.0
// PageSource: where a heap gets its pages.  In the node it is a memory pool; behind a
// process border it is what the border's library has for one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

constexpr size_t kPageSize = 4096;

class PageSource {
 public:
  virtual ~PageSource() = default;
  // `bytes` zero bytes, whole pages.  Null, with the failure noted, if there are none.
  virtual void* take_pages(size_t bytes) = 0;
  // Bytes that may be taken now, as far as a limit says.
  virtual uint64_t room() const = 0;
  // REQUIRES: `bytes` as they were taken
  virtual void return_pages(void* pages, size_t bytes) = 0;
};

}  // namespace weft
