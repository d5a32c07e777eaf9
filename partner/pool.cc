// SPDX-License-Identifier: Apache-2.0
#include "partner/pool.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

namespace weft {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kMaxPackets = size_t{1} << 24;

// Flags that are the packet's, not its memory's.
constexpr uint16_t kKept = Packet::kOffload | Packet::kLocal | Packet::kOrigin | Packet::kLinkGroup;

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

struct Mapping {
  uint8_t* at = nullptr;
  size_t size = 0;
  PageKind pages = PageKind::k4K;
  std::string reason;
};

void* map_anonymous(size_t size, int extra_flags) {
  return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
}

// Aligned to a huge page, so that the kernel can back it with huge pages.
void* map_aligned(size_t size) {
  void* raw = map_anonymous(size + kHugePage, 0);
  if (raw == MAP_FAILED) return raw;
  const auto start = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = round_up(start, kHugePage);
  if (aligned > start) ::munmap(raw, aligned - start);
  const uintptr_t tail = start + size + kHugePage - (aligned + size);
  if (tail > 0) ::munmap(reinterpret_cast<void*>(aligned + size), tail);
  return reinterpret_cast<void*>(aligned);
}

// The best pages that the host gives, from `wanted` downwards.
Mapping map_pages(size_t bytes, PageKind wanted) {
  Mapping m;
  m.size = round_up(bytes, kHugePage);
  if (wanted == PageKind::k2M) {
    void* at = map_anonymous(m.size, MAP_HUGETLB | MAP_HUGE_2MB);
    if (at != MAP_FAILED) {
      m.at = static_cast<uint8_t*>(at);
      m.pages = PageKind::k2M;
      return m;
    }
    m.reason = "no free 2 MB hugepages (see /proc/sys/vm/nr_hugepages)";
  }
  void* at = map_aligned(m.size);
  if (at == MAP_FAILED) return m;
  m.at = static_cast<uint8_t*>(at);
  if (wanted != PageKind::k4K) {
    if (::madvise(at, m.size, MADV_HUGEPAGE) == 0) {
      m.pages = PageKind::kTransparent;
      return m;
    }
    if (!m.reason.empty()) m.reason += "; ";
    m.reason += "transparent hugepages refused: " + std::generic_category().message(errno);
  } else {
    ::madvise(at, m.size, MADV_NOHUGEPAGE);
  }
  m.pages = PageKind::k4K;
  return m;
}

}  // namespace

const char* name(PageKind kind) {
  switch (kind) {
    case PageKind::k2M:
      return "2M";
    case PageKind::kTransparent:
      return "THP";
    case PageKind::k4K:
      return "4K";
  }
  return "?";
}

// The mapping: one line that holds the Pool's address, then the slots.
Result<std::unique_ptr<Pool>> Pool::create(const PoolSpec& spec) {
  if (spec.packets == 0 || spec.packets > kMaxPackets) {
    return Error{Code::kInvalid, "a pool holds 1 to 16777216 packets, not " + std::to_string(spec.packets)};
  }
  const bool given = !spec.memory.empty();
  if (given && (spec.memory.size() < bytes(spec.packets) || uintptr_t(spec.memory.data()) % 64 != 0)) {
    return Error{Code::kInvalid, "the memory for the pool is too small, or not aligned to 64 bytes"};
  }
  Mapping m = given ? Mapping{.at = spec.memory.data(), .size = spec.memory.size()}
                    : map_pages(bytes(spec.packets), spec.pages);
  if (m.at == nullptr) {
    return Error{Code::kNoMemory, "cannot map " + std::to_string(m.size >> 20) + " MiB for a pool of " +
                                      std::to_string(spec.packets) + " packets"};
  }
  std::unique_ptr<Pool> pool(new Pool());
  pool->mapping_ = m.at;
  pool->mapping_size_ = m.size;
  pool->mapped_ = !given;
  pool->capacity_ = spec.packets;
  pool->pages_ = m.pages;
  pool->pages_reason_ = std::move(m.reason);
  new (m.at) Pool*(pool.get());
  pool->free_.resize(spec.packets);
  for (size_t i = 0; i < spec.packets; ++i) {
    auto* p = new (m.at + 64 + i * Packet::kStride) Packet{};
    p->slot = uint32_t(i);
    pool->free_[spec.packets - 1 - i] = p;  // so that the first slot is handed out first
  }
  pool->free_count_ = spec.packets;
  return pool;
}

Pool::~Pool() {
  assert(in_use() == 0);
  if (mapped_) ::munmap(mapping_, mapping_size_);
}

size_t Pool::alloc(Pvec& v, size_t n) {
  const size_t got = std::min(n, free_count_);
  for (size_t i = 0; i < got; ++i) reset(free_[free_count_ - 1 - i]);
  std::reverse(free_.begin() + ptrdiff_t(free_count_ - got), free_.begin() + ptrdiff_t(free_count_));
  v.adopt({free_.data() + (free_count_ - got), got});
  free_count_ -= got;
  in_use_.set(capacity_ - free_count_);
  if (got < n) exhausted_.add(n - got);
  return got;
}

PacketPtr Pool::attach(Foreign& foreign, uint8_t* data, uint32_t length) {
  PacketPtr p = alloc();
  if (!p) return p;
  p->flags = Packet::kForeign;
  p->foreign = &foreign;
  p->data = data;
  p->length = length;
  p->second_line().window = data;
  ++foreign.references;
  return p;
}

// One Seg of this pool over bytes of `seg`, without its metadata.
PacketPtr Pool::share_seg(Packet& seg, uint32_t offset, uint32_t length) {
  PacketPtr p = alloc();
  if (!p) return p;
  p->second_line().window = seg.window();
  p->data = seg.data + offset;
  p->length = length;
  if (seg.flags & Packet::kForeign) {
    p->flags = Packet::kForeign;
    p->foreign = seg.foreign;
    ++seg.foreign->references;
  } else {
    p->flags = Packet::kShares;
    p->owner = (seg.flags & Packet::kShares) ? seg.owner : &seg;
    ++p->owner->references;
  }
  return p;
}

PacketPtr Pool::overlay(Packet& original, uint32_t offset, uint32_t length) {
  PacketPtr whole;
  Packet* last = nullptr;
  for (Packet* s = &original; s != nullptr; s = s->next) {
    if (offset >= s->length) {  // empty Segs too
      offset -= s->length;
      continue;
    }
    const uint32_t n = std::min(length, s->length - offset);
    PacketPtr part = share_seg(*s, offset, n);
    if (!part) return nullptr;
    offset = 0;
    length -= n;
    if (!whole) {
      whole = std::move(part);
      last = whole.get();
    } else {
      last->next = part.release();
      last = last->next;
      ++whole->segs;
    }
    if (length == 0) break;
  }
  if (!whole) whole = alloc();
  return whole;
}

PacketPtr Pool::clone(Packet& original) {
  PacketPtr p = overlay(original, 0, original.total_length());
  if (!p) return p;
  p->next_hop = original.next_hop;
  p->path = original.path;
  p->in_port = original.in_port;
  p->timestamp = original.timestamp;
  p->l3 = original.l3;
  p->l4 = original.l4;
  p->flags |= original.flags & (kKept | Packet::kHeaders);
  if (original.flags & Packet::kOffload) p->offload() = original.offload();
  return p;
}

bool Pool::unshare_front(PacketPtr& p, uint32_t n) {
  if (n > Packet::kRoom - Packet::kHeadroom) return false;
  if (p->length >= n && p->writable()) return true;
  if (p->total_length() < n) return false;

  PacketPtr front = alloc();
  if (!front) return false;
  const uint32_t total = p->total_length();
  PacketPtr rest;
  if (total > n) {
    rest = overlay(*p, n, total - n);
    if (!rest) return false;
  }
  for (const Packet* s = p.get(); front->length < n; s = s->next) {
    const uint32_t take = std::min(n - front->length, s->length);
    std::memcpy(front->data + front->length, s->data, take);
    front->length += take;
  }
  count_copy(n);
  const ptrdiff_t moved = front->data - front->room() - (p->data - p->window());
  front->next_hop = p->next_hop;
  front->path = p->path;
  front->in_port = p->in_port;
  front->timestamp = p->timestamp;
  front->l3 = uint16_t(p->l3 + moved);
  front->l4 = uint16_t(p->l4 + moved);
  front->flags = p->flags & kKept;  // what stood in front of `data` stays behind
  if (p->flags & Packet::kOffload) front->offload() = p->offload();
  if (rest) {
    front->segs = uint16_t(1 + rest->segs);
    front->next = rest.release();
  }
  p = std::move(front);
  return true;
}

PacketPtr Pool::copy(std::span<const uint8_t> bytes) {
  PacketPtr whole = alloc();
  if (!whole) return whole;
  count_copy(bytes.size());
  for (Packet* s = whole.get();;) {
    const size_t n = std::min(bytes.size(), Packet::kRoom - Packet::kHeadroom);
    if (n > 0) std::memcpy(s->data, bytes.data(), n);
    s->length = uint32_t(n);
    bytes = bytes.subspan(n);
    if (bytes.empty()) return whole;
    PacketPtr more = alloc();
    if (!more) return nullptr;
    s->next = more.release();
    s = s->next;
    ++whole->segs;
  }
}

// This Seg windows its bytes no more.
void Pool::let_go(Packet* p) {
  if (p->flags & Packet::kShares) {
    Packet* owner = p->owner;
    of(p).put(p);
    if (--owner->references == 0) of(owner).put(owner);
  } else if (p->flags & Packet::kForeign) {
    Foreign* foreign = p->foreign;
    p->flags = 0;  // so that a driver can tell whether a packet that it attached still lives
    of(p).put(p);
    if (--foreign->references == 0) foreign->release(foreign);
  } else if (--p->references == 0) {
    of(p).put(p);
  }
}

void Pool::free_chain(Packet* p) {
  while (p != nullptr) {
    Packet* next = p->next;
    let_go(p);
    p = next;
  }
}

void Packet::trim(uint32_t n) {
  Packet* s = this;
  uint16_t kept = 1;
  while (n > s->length && s->next != nullptr) {
    n -= s->length;
    s = s->next;
    ++kept;
  }
  s->length = n;
  segs = kept;
  Packet* rest = s->next;
  s->next = nullptr;
  while (rest != nullptr) {
    Packet* next = rest->next;
    rest->next = nullptr;
    rest->segs = 1;
    Pool::free(rest);
    rest = next;
  }
}

}  // namespace weft
