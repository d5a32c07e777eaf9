// SPDX-License-Identifier: Apache-2.0
// Heap: malloc over the pages of a PageSource.
//
// It takes regions of whole pages, and leaves the work within one to Boost.Interprocess's
// best-fit allocator.  An empty region goes back, but for the last small one.  Each block
// begins with a seal, by which a pointer that is none of the heap's is told.
//
//   | Region | allocator | block: seal, bytes | block | ... |
//
// Threads: one at a time.
// Invariants: no pages are held but those of the regions; a block is aligned as by malloc.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "nodeos_api/page_source.h"

namespace weft {

class Heap {
 public:
  explicit Heap(PageSource& pages) : pages_(pages) {}
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Null, with the failure noted, when there are no pages for it.
  void* alloc(size_t size);
  // The block, larger or smaller, here or elsewhere; null, with the failure noted, and the
  // block as it was, when there are no pages or it is none of this heap's.
  void* realloc(void* block, size_t size);
  // False, with the failure noted, if it is none of this heap's.
  bool free(void* block);

  uint64_t used() const { return used_; }   // bytes asked for and not freed
  uint64_t pages() const { return held_; }  // bytes of its pages

 private:
  struct Region : boost::intrusive::set_base_hook<> {
    size_t bytes;
  };
  struct Block;
  struct ByAddress {
    bool operator()(const Region& a, const Region& b) const { return &a < &b; }
    bool operator()(const void* a, const Region& b) const { return a < &b; }
  };

  void* alloc_in(Region& region, size_t size);
  Region* grow(size_t size);
  void shrink(Region& region);
  uint64_t seal_of(const Block& block) const;
  // The block, and its region; null, with the failure noted, if there is none.
  Block* find(void* block, Region** region);
  // Whether the block can have `size` bytes where it is.
  static bool resize(Region& region, Block& block, size_t size);

  PageSource& pages_;
  boost::intrusive::set<Region, boost::intrusive::compare<ByAddress>> regions_;
  uint64_t used_ = 0, held_ = 0;
};

}  // namespace weft
