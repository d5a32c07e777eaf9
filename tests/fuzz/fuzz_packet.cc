// SPDX-License-Identifier: Apache-2.0
// Frames of any bytes through two whole nodes, one with fusion and one without, that see
// the same frames at the same times.  Must hold:
//   - no byte outside a packet is read or written, and none of a packet that may not be
//     written (sanitizers see it: see exact_memory.h)
//   - it comes to rest, and then the books of every path balance
//   - both nodes send the same and count the same; within one vector the order of packets
//     may differ, and with it who of those that the node makes has which identification
//   - when the nodes are gone, every packet is back in the pool
//
// A frame of the input:
//   1  flags   0x01 to port b   0x02 in one vector with the next   0x04 mend the checksums
//              0x08 a header of virtio-net follows
//              0x30 memory: 0x00 a slot's, 0x10 two slots', 0x20 foreign, to be read only,
//                           0x30 foreign, writable
//              0xc0 neighbours that are asked for: 0x40 answer, 0x80 do not
//   1  n: n * n ms pass first
//   1  n: the frame is split into two Segs behind its byte n; 0: it is not
//   2  length, little-endian
//   10 virtio-net, if so
//   .. the frame, or what is left of the input
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "modules/ip4_header.h"
#include "modules/ip6_header.h"
#include "partner/packet_checksum.h"
#include "partner/vnet_header.h"
#include "tests/fuzz/exact_memory.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/small_node.h"

namespace weft::fuzz {
namespace {

constexpr size_t kMaxFrames = 64;

// See small_node.h.
constexpr Link link_of(uint16_t port) { return port == 0 ? Link::kEthernet : Link::kRaw; }

struct Frame {
  enum Flag : uint8_t { kPortB = 1, kWithNext = 2, kMend = 4, kVnet = 8 };
  enum Memory : uint8_t { kSlot, kSlots, kForeign, kForeignWritable };

  explicit Frame(Input& in) : flags(in.byte()) {
    wait_ms = in.byte();
    wait_ms *= wait_ms;
    split = in.byte();
    const uint16_t length = in.number16();
    if ((flags & kVnet) != 0) {
      const auto header = in.bytes(sizeof vnet);
      std::copy(header.begin(), header.end(), reinterpret_cast<uint8_t*>(&vnet));
    }
    const auto all = in.bytes(length);
    bytes.assign(all.begin(), all.end());
    if ((flags & kMend) != 0) mend(bytes, link() == Link::kEthernet ? 14 : 0);
  }

  uint16_t port() const { return (flags & kPortB) != 0 ? 1 : 0; }
  Link link() const { return link_of(port()); }
  bool with_next() const { return (flags & kWithNext) != 0; }
  Memory memory() const { return Memory(flags >> 4 & 3); }
  bool neighbours_answer() const { return (flags & 0x40) != 0; }
  bool neighbours_fail() const { return (flags & 0x80) != 0; }

  // As a driver would give it; empty when a driver would not.
  PacketPtr packet(Pool& pool) const {
    if (bytes.empty()) return nullptr;
    PacketPtr p = in_memory(pool);
    if ((flags & kVnet) == 0) return p;
    Offload offload;
    const std::span front(p->data, p->length);
    switch (parse_vnet_header(vnet, front, uint32_t(bytes.size()), link(), offload)) {
      case VnetVerdict::kInvalid:
        return nullptr;
      case VnetVerdict::kOffload:
        p->offload() = offload;
        p->flags |= Packet::kOffload;
        break;
      case VnetVerdict::kComplete:
        break;
    }
    return p;
  }

  uint8_t flags;
  uint64_t wait_ms;
  size_t split;
  VnetHeader vnet{};
  std::vector<uint8_t> bytes;

 private:
  PacketPtr in_memory(Pool& pool) const {
    switch (memory()) {
      case kSlot:
        return pool.copy(bytes);
      case kSlots: {
        PacketPtr first =
            pool.copy(std::span(bytes).first(std::min(std::max<size_t>(split, 1), bytes.size())));
        if (first->length == bytes.size()) return first;
        first->next = pool.copy(std::span(bytes).subspan(first->length)).release();
        first->segs = uint16_t(1 + first->next->segs);
        return first;
      }
      case kForeign:
      case kForeignWritable:
        break;
    }
    return ExactMemory::packet(pool, bytes, split, memory() == kForeignWritable);
  }
};

std::vector<Frame> frames_of(const uint8_t* data, size_t size) {
  Input in(data, size);
  std::vector<Frame> frames;
  while (!in.empty() && frames.size() < kMaxFrames) frames.emplace_back(in);
  return frames;
}

void pass(SmallNode& node, Pool& pool, std::span<const Frame> vector) {
  for (const Frame& frame : vector) {
    node.advance_ns(frame.wait_ms * 1'000'000);
    if (frame.neighbours_answer()) node.neighbours_answer();
    if (frame.neighbours_fail()) node.neighbours_fail();
    if (PacketPtr p = frame.packet(pool)) node.will_give(frame.port(), std::move(p));
  }
  node.run();
}

// What differs, for whoever reads the finding.
void print(const char* who, uint16_t port, const std::vector<std::string>& sent) {
  for (const std::string& bytes : sent) {
    std::fprintf(stderr, "%s, port %u:", who, unsigned(port));
    for (char c : bytes) std::fprintf(stderr, " %02x", unsigned(uint8_t(c)));
    std::fputs("\n", stderr);
  }
}

// Takes the identification out of a packet that was sent, as if it had been 0; 0 if it has none.
uint32_t take_id(std::string& bytes, Link link) {
  const size_t network = link == Link::kEthernet ? 14 : 0;
  if (bytes.size() < network + ip4::kMinHeader) return 0;
  uint8_t* const h = reinterpret_cast<uint8_t*>(bytes.data()) + network;
  if (ip4::version(h) == 4) {
    const auto id = load<uint16_t>(h + ip4::kId);
    store(h + ip4::kId, uint16_t{0});
    store(h + ip4::kChecksum, adjust_checksum(load<uint16_t>(h + ip4::kChecksum), id, 0));
    return id;
  }
  constexpr size_t kId = ip6::kHeader + 4;
  if (h[ip6::kNextHeader] != ip6::kFragment || bytes.size() < network + kId + 4) return 0;
  const auto id = load<uint32_t>(h + kId);
  store(h + kId, 0u);
  return id;
}

// The same for any order: sorted, the identifications apart, since who draws which (IpIds)
// goes by the order in which paths come to run.
std::vector<uint32_t> forget_order(std::vector<std::string>& sent, Link link) {
  std::vector<uint32_t> ids;
  for (std::string& bytes : sent) ids.push_back(take_id(bytes, link));
  std::ranges::sort(ids);
  std::ranges::sort(sent);
  return ids;
}

// Whether both sent the same.  `say`: what differs, for whoever reads the finding.
bool same_sent(SmallNode& fused, SmallNode& plain, bool in_order, bool say) {
  bool same = true;
  for (uint16_t port = 0; port < kPorts; ++port) {
    std::vector<std::string> one = fused.sent(port), other = plain.sent(port);
    const auto alike = [&] {
      if (in_order) return one == other;
      std::vector<std::string> a = one, b = other;
      return forget_order(a, link_of(port)) == forget_order(b, link_of(port)) && a == b;
    };
    if (alike()) continue;
    same = false;
    if (!say) continue;
    print("fused", port, one);
    print("plain", port, other);
  }
  return same;
}

// Whether both counted the same.
bool same_books(const SmallNode& fused, const SmallNode& plain, bool say) {
  bool same = true;
  const auto one = fused.books(), other = plain.books();
  for (const auto& [name, book] : one) {
    if (book == other.at(name)) continue;
    same = false;
    if (say) std::fprintf(stderr, "the books of %s differ\n", name.c_str());
  }
  return same;
}

bool run(std::span<const Frame> frames, bool say) {
  static const SmallFib& table = *new SmallFib;
  static Pool& pool = *Pool::create({.packets = 4096, .pages = PageKind::k4K})->release();
  static const IpIds ids;
  bool same = true;
  {
    SmallNode fused(table.fib(), pool, ids, true), plain(table.fib(), pool, ids, false);
    while (!frames.empty()) {
      size_t n = 1;
      while (n < frames.size() && frames[n - 1].with_next()) ++n;
      for (SmallNode* node : {&fused, &plain}) pass(*node, pool, frames.first(n));
      same = same_sent(fused, plain, n == 1, say) && same;
      frames = frames.subspan(n);
    }
    same = same_books(fused, plain, say) && same;
  }
  require(pool.in_use() == 0, "every packet is back in the pool");
  return same;
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;
  const std::vector<Frame> frames = frames_of(data, size);
  // The timestamp option (RFC 791 section 3.1) holds the time of day in ms, which may turn
  // between the two nodes; not always.
  for (int tries = 0; tries < 10; ++tries) {
    if (run(frames, false)) return 0;
  }
  require(run(frames, true), "both nodes do the same");
  return 0;
}
