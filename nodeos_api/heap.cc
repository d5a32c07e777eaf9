// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/heap.h"

#include <algorithm>
#include <boost/interprocess/containers/allocation_type.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>
#include <cstring>
#include <new>

#include "nodeos_api/errors.h"

namespace weft {

namespace {

namespace bip = boost::interprocess;
using Allocator = bip::rbtree_best_fit<bip::null_mutex_family, void*, 16>;

constexpr size_t kRegion = size_t{64} << 10;  // at least, where the source has room
constexpr size_t kMostBytes = size_t{1} << 46;

constexpr size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

constexpr size_t kRegionHeader = 48;
constexpr size_t kBlockHeader = 16;

Allocator& allocator_of(void* region) {
  return *reinterpret_cast<Allocator*>(static_cast<char*>(region) + kRegionHeader);
}

// What a region with one block has besides the block.
size_t overhead() { return kRegionHeader + Allocator::get_min_size(0) + kBlockHeader; }

}  // namespace

struct Heap::Block {
  uint64_t seal;
  uint64_t size;
};

Heap::~Heap() {
  regions_.clear_and_dispose([this](Region* region) { pages_.return_pages(region, region->bytes); });
}

uint64_t Heap::seal_of(const Block& block) const {
  const auto at = reinterpret_cast<uintptr_t>(&block), heap = reinterpret_cast<uintptr_t>(this);
  return (at ^ heap ^ block.size) * 0x9e3779b97f4a7c15u | 1;
}

void* Heap::alloc(size_t size) {
  if (size > kMostBytes) {
    fail(AN_ENOMEM, "no heap has as much");
    return nullptr;
  }
  size = std::max<size_t>(size, 1);
  for (Region& region : regions_) {
    if (void* at = alloc_in(region, size)) return at;
  }
  Region* fresh = grow(size);
  return fresh != nullptr ? alloc_in(*fresh, size) : nullptr;
}

void* Heap::alloc_in(Region& region, size_t size) {
  void* at = allocator_of(&region).allocate(size + kBlockHeader);
  if (at == nullptr) return nullptr;
  auto* block = new (at) Block{0, size};
  block->seal = seal_of(*block);
  used_ += size;
  return block + 1;
}

Heap::Region* Heap::grow(size_t size) {
  const size_t needed = round_up(size + overhead(), kPageSize);
  const uint64_t room = pages_.room() / kPageSize * kPageSize;
  const size_t bytes = std::max<uint64_t>(needed, std::min<uint64_t>(room, kRegion));
  static_assert(sizeof(Region) <= kRegionHeader && sizeof(Block) == kBlockHeader);
  void* at = pages_.take_pages(bytes);
  if (at == nullptr) return nullptr;
  auto* region = new (at) Region;
  region->bytes = bytes;
  new (&allocator_of(region)) Allocator(bytes - kRegionHeader, 0);
  regions_.insert(*region);
  held_ += bytes;
  return region;
}

Heap::Block* Heap::find(void* given, Region** in) {
  const auto at = reinterpret_cast<uintptr_t>(given);
  const auto after = regions_.upper_bound(given, ByAddress());
  if (after != regions_.begin() && at % 16 == 0) {
    Region& region = *std::prev(after);
    const auto start = reinterpret_cast<uintptr_t>(&region);
    if (at >= start + kRegionHeader + kBlockHeader && at < start + region.bytes) {
      Block* block = static_cast<Block*>(given) - 1;
      *in = &region;
      if (block->seal == seal_of(*block)) return block;
    }
  }
  fail(AN_EINVAL, "not a block of this heap, or freed already");
  return nullptr;
}

bool Heap::resize(Region& region, Block& block, size_t size) {
  Allocator& allocator = allocator_of(&region);
  const size_t wanted = size + kBlockHeader, has = allocator.size(&block);
  if (has == wanted) return true;
  size_t received = wanted;
  void* reuse = &block;
  const auto how = has > wanted ? bip::shrink_in_place : bip::expand_fwd;
  const bool done = allocator.raw_allocation_command(how | bip::nothrow_allocation,
                                                     has > wanted ? has : wanted, received, reuse) != nullptr;
  return done || has > wanted;
}

void* Heap::realloc(void* given, size_t size) {
  if (given == nullptr) return alloc(size);
  Region* region = nullptr;
  Block* block = find(given, &region);
  if (block == nullptr) return nullptr;
  size = std::max<size_t>(size, 1);
  if (size <= kMostBytes && resize(*region, *block, size)) {
    used_ += size - block->size;
    block->size = size;
    block->seal = seal_of(*block);
    return given;
  }
  void* larger = alloc(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, given, block->size);
  free(given);
  return larger;
}

bool Heap::free(void* given) {
  Region* region = nullptr;
  Block* block = find(given, &region);
  if (block == nullptr) return false;
  used_ -= block->size;
  block->seal = 0;
  allocator_of(region).deallocate(block);
  shrink(*region);
  return true;
}

void Heap::shrink(Region& region) {
  if (!allocator_of(&region).all_memory_deallocated()) return;
  const bool only = std::next(regions_.begin()) == regions_.end();
  if (only && region.bytes <= kRegion) return;
  regions_.erase(regions_.iterator_to(region));
  held_ -= region.bytes;
  pages_.return_pages(&region, region.bytes);
}

}  // namespace weft
