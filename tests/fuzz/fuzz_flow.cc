// SPDX-License-Identifier: Apache-2.0
// Any bytes as a packet, read by the FlowReader and sorted by a Demux with keys of
// every shape.  The first byte chooses the link and where the packet is split into two
// Segs.  Must hold:
//   - nothing is read outside the packet (sanitizers see it: the memory is exact)
//   - offsets lie inside, and the plain way of reading agrees with the complete one
//   - the packet arrives at a path or is counted as dropped, and its memory comes back
#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "modules/flow.h"
#include "partner/pool.h"
#include "paths/demux.h"
#include "tests/fuzz/require.h"

namespace {

using namespace weft;
using fuzz::require;

class Node {
 public:
  Node() : demux_(fib_, reader_, *pool_) {
    demux_.add_port(0, Link::kEthernet);
    demux_.add_port(1, Link::kRaw);
    const uint8_t here[16] = {10, 0, 0, 1}, all[16] = {};
    fib_.next_hops.set(1, {.kind = NextHop::kLocal});
    fib_.next_hops.set(2, {.kind = NextHop::kForward, .out_port = 1});
    require(bool(fib_.ip4.insert(here, 32, 1)) && bool(fib_.ip6.insert(here, 32, 1)));
    require(bool(fib_.ip4.insert(all, 1, 2)) && bool(fib_.ip6.insert(all, 1, 2)));
    for (uint16_t port : {0, 1}) bind_all(port);
  }
  ~Node() {
    for (auto& path : paths_) demux_.unbind(*path);
  }

  void run(Link link, const uint8_t* data, size_t size, size_t split) {
    Foreign memory{.release = [](Foreign*) {}};
    check_reader(link, attach(memory, data, size));

    PacketPtr p = attach(memory, data, size);
    if (split > 0 && split < size) {
      p->length = uint32_t(split);
      p->next = attach(memory, data + split, size - split).release();
      p->segs = 2;
    }
    const uint64_t dropped = demux_.drops().total(), copied = demux_.copied();
    Pvec v;
    v.push_back(std::move(p));
    demux_.sort(link == Link::kRaw, v);
    require(v.empty());
    uint64_t held = 0;
    for (auto& path : paths_) {
      held += path->held();
      path->close();
    }
    require(held + demux_.drops().total() - dropped == 1 + demux_.copied() - copied);
    require(memory.references == 0 && pool_->in_use() == 0);
  }

 private:
  void bind_all(uint16_t port) {
    DemuxKey key;
    key.in_port = port;
    bind(key);
    key.any_protocol = false;
    for (uint16_t protocol : {0x0800, 0x86dd, 0x88b5}) {
      key.link_protocol = protocol;
      bind(key);
    }
    key.shape = DemuxKey::kRoute;
    key.out_port = 1;
    for (uint16_t protocol : {0x0800, 0x86dd}) {
      key.link_protocol = protocol;
      bind(key);
    }
    auto tuple = [&](auto& fields, auto& mask, bool local) {
      fields.protocol = 17;
      mask.protocol = 0xff;
      fields.destination_port = swap_be(uint16_t{7});
      mask.destination_port = 0xffff;
      fields.local = mask.local = local;
    };
    for (DemuxKey::Shape shape : {DemuxKey::kNarrow, DemuxKey::kWide}) {
      for (bool local : {false, true}) {
        DemuxKey k;
        k.in_port = port;
        k.shape = shape;
        k.share = true;
        tuple(k.narrow, k.narrow_mask, local);
        tuple(k.wide, k.wide_mask, local);
        bind(k);
        bind(k);
        k.payload.push_back({1, {'A', 'B'}, {0xff, 0xf0}});
        bind(k);
      }
    }
  }
  void bind(const DemuxKey& key) {
    PathSpec spec;
    spec.near.chain.push_back({"a", 1});
    paths_.push_back(std::make_unique<Path>(spec, PathQueues{}, nullptr));
    require(bool(demux_.bind(key, *paths_.back())));
  }
  PacketPtr attach(Foreign& memory, const uint8_t* data, size_t size) {
    return pool_->attach(memory, const_cast<uint8_t*>(data), uint32_t(size));
  }

  void check_reader(Link link, PacketPtr p) {
    PacketFields all, plain;
    flow::read_any(link, *p, all);
    const uint32_t window = uint32_t(p->data - p->window());
    require(p->l3 >= window && p->l3 <= p->l4 && p->l4 <= window + p->length);
    require(all.payload <= p->length);
    const bool is_plain = link == Link::kRaw ? flow::read_plain<Link::kRaw>(*p, plain)
                                             : flow::read_plain<Link::kEthernet>(*p, plain);
    if (!is_plain) return;
    require(all.kind == plain.kind && all.fragment == plain.fragment && all.to_node == plain.to_node);
    require(all.payload == plain.payload && all.end == plain.end);
    require(std::memcmp(&all.narrow, &plain.narrow, sizeof all.narrow) == 0);
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 64, .pages = PageKind::k4K});
  Fib fib_;
  FlowReader reader_;
  Demux demux_;
  std::vector<std::unique_ptr<Path>> paths_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Node node;
  if (size < 2 || size > 4096) return 0;
  const uint8_t choice = data[0];
  const std::unique_ptr<uint8_t[]> exact(new uint8_t[size - 1]);
  std::memcpy(exact.get(), data + 1, size - 1);
  node.run((choice & 1) != 0 ? Link::kRaw : Link::kEthernet, exact.get(), size - 1, choice >> 1);
  return 0;
}
