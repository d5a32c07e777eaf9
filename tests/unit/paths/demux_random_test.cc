// SPDX-License-Identifier: Apache-2.0
// The Demux and a model that compares every packet with every key, one after the
// other, agree on random keys and packets: on what bind() refuses, on which paths
// get a packet, and on the reason when none does.
//
// The values are few, so that keys overlap, tie and hide each other.
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>
#include <set>

#include "tests/unit/testing/demux_node.h"

namespace weft {
namespace {

using test::DemuxNode;
using test::Ip4;
using test::Sent;

using Bits = std::vector<uint8_t>;  // fields or a mask, as bytes

struct Bound {
  std::string text;
  DemuxKey key;
};

Bits bytes(const void* at, size_t n) {
  const auto* b = static_cast<const uint8_t*>(at);
  return Bits(b, b + n);
}

bool agree(const Bits& a, const Bits& b, const Bits& mask) {
  for (size_t i = 0; i < mask.size(); ++i) {
    if (((a[i] ^ b[i]) & mask[i]) != 0) return false;
  }
  return true;
}
unsigned count(const Bits& mask) {
  unsigned n = 0;
  for (uint8_t b : mask) n += unsigned(std::popcount(b));
  return n;
}
Bits both(const Bits& a, const Bits& b) {
  Bits r(a.size());
  for (size_t i = 0; i < r.size(); ++i) r[i] = a[i] & b[i];
  return r;
}

// A tuple with the in port written in, as any key has it.
template <typename Fields>
Bits at_port(Fields f, uint16_t port) {
  f.in_port = port;
  return bytes(&f, sizeof f);
}
Bits fields_of(const DemuxKey& k) {
  return k.shape == DemuxKey::kNarrow ? at_port(k.narrow, k.in_port) : at_port(k.wide, k.in_port);
}
Bits mask_of(const DemuxKey& k) {
  return k.shape == DemuxKey::kNarrow ? at_port(k.narrow_mask, 0xffff) : at_port(k.wide_mask, 0xffff);
}

// A payload key as bytes and mask from offset 0 on.
std::pair<Bits, Bits> flat(const DemuxKey& k, size_t n = 16) {
  Bits value(n), mask(n);
  for (const PayloadMatch& m : k.payload) {
    for (size_t i = 0; i < m.value.size(); ++i) {
      value[m.offset + i] = m.value[i] & m.mask[i];
      mask[m.offset + i] = m.mask[i];
    }
  }
  return {value, mask};
}
size_t reach(const DemuxKey& k) {
  size_t n = 0;
  for (const PayloadMatch& m : k.payload) n = std::max(n, m.offset + m.value.size());
  return n;
}

class Model {
 public:
  // Whether the key may be bound.
  bool may_bind(const DemuxKey& key) const {
    for (const Bound& b : bound_) {
      if (b.key.shape != key.shape) continue;
      if (!same_slot(b.key, key)) {
        if (!is_tuple(key) || (fields_equal(b.key, key))) continue;
        const Bits common = both(mask_of(b.key), mask_of(key));
        if (count(mask_of(b.key)) == count(mask_of(key)) && agree(fields_of(b.key), fields_of(key), common)) {
          return false;
        }
        continue;
      }
      const auto [v1, m1] = flat(b.key);
      const auto [v2, m2] = flat(key);
      if (count(m1) != count(m2) || !agree(v1, v2, both(m1, m2))) continue;
      if (m1 != m2 || !b.key.share || !key.share) return false;
    }
    return true;
  }
  void bind(std::string text, const DemuxKey& key) { bound_.push_back({std::move(text), key}); }
  void unbind(size_t i) { bound_.erase(bound_.begin() + long(i)); }
  size_t size() const { return bound_.size(); }
  const Bound& operator[](size_t i) const { return bound_[i]; }

  struct Answer {
    std::multiset<std::string> paths;
    DropReason reason = DropReason::kNoPath;  // when `paths` is empty
  };
  Answer answer(const Sent& s, uint16_t in_port, const NextHop& hop, bool to_group) const {
    const bool network = s.raw.empty();
    const bool forward = hop.kind == NextHop::kForward || hop.kind == NextHop::kResolve;
    const bool of_kernel = hop.kind == NextHop::kKernel;
    const bool kernel = of_kernel && in_port == 0;  // which it hears
    const bool local = to_group || of_kernel || hop.kind == NextHop::kLocal;
    const uint16_t protocol = network ? (s.wide ? 0x86dd : 0x0800) : 0x88b5;
    if (network) {
      if (auto best = best_tuple(s, in_port, local); !best.empty()) return {best};
      if (forward && !local) {
        auto best = best_payload(s, [&](const DemuxKey& k) {
          return k.shape == DemuxKey::kRoute && k.in_port == in_port && k.out_port == hop.out_port &&
                 k.link_protocol == protocol;
        });
        if (!best.empty()) return {best};
      }
    }
    for (bool any : {false, true}) {
      if (network && kernel && !any) continue;
      auto best = best_payload(s, [&](const DemuxKey& k) {
        return k.shape == DemuxKey::kLink && k.in_port == in_port && k.any_protocol == any &&
               (any || k.link_protocol == protocol);
      });
      if (!best.empty()) return {best};
    }
    if (!network) return {{}, DropReason::kUnknownProtocol};
    if (kernel) return {{}, DropReason::kForKernel};
    if (local) return {{}, DropReason::kNoListener};
    if (forward) return {{}, DropReason::kNoPath};
    const bool forbidden = hop.kind == NextHop::kBlackhole || hop.kind == NextHop::kProhibit;
    return {{}, forbidden ? DropReason::kProhibited : DropReason::kNoRoute};
  }

 private:
  static bool is_tuple(const DemuxKey& k) {
    return k.shape == DemuxKey::kNarrow || k.shape == DemuxKey::kWide;
  }
  static bool fields_equal(const DemuxKey& a, const DemuxKey& b) {
    return mask_of(a) == mask_of(b) && agree(fields_of(a), fields_of(b), mask_of(a));
  }
  // Whether only the payload tells the two apart.
  static bool same_slot(const DemuxKey& a, const DemuxKey& b) {
    if (a.in_port != b.in_port) return false;
    if (is_tuple(a)) return fields_equal(a, b);
    if (a.shape == DemuxKey::kRoute) return a.out_port == b.out_port && a.link_protocol == b.link_protocol;
    return a.any_protocol == b.any_protocol && (a.any_protocol || a.link_protocol == b.link_protocol);
  }

  static bool payload_fits(const DemuxKey& k, const Sent& s) {
    // What a fragment carries is known when it is whole.
    if (s.raw.empty() && s.fragment && reach(k) > 0) return false;
    // A raw packet's payload is all of it; ICMP's, what is behind the network header.
    Bits payload = s.raw.empty() ? s.payload : s.raw;
    const bool headed = s.raw.empty() && s.protocol == 1;
    if (headed) {
      const Bits packet = test::bytes_of(s);
      payload.assign(packet.end() - long(8 + s.payload.size() + s.padding), packet.end() - long(s.padding));
    }
    const auto [value, mask] = flat(k);
    if (reach(k) > payload.size()) return false;
    payload.resize(value.size());
    return agree(payload, value, mask);
  }

  std::multiset<std::string> best_tuple(const Sent& s, uint16_t in_port, bool local) const {
    int best = -1;
    std::multiset<std::string> paths;
    for (const Bound& b : bound_) {
      const DemuxKey& k = b.key;
      if (k.shape != (s.wide ? DemuxKey::kWide : DemuxKey::kNarrow)) continue;
      NarrowFields n{};
      WideFields w{};
      auto fill = [&](auto& f, size_t at) {
        if (at > 0) {
          for (uint8_t* a : {f.source, f.destination}) {
            a[0] = 0x20;
            a[1] = 0x01;
            a[2] = 0x0d;
            a[3] = 0xb8;
          }
        }
        std::copy(s.source.begin(), s.source.end(), f.source + at);
        std::copy(s.destination.begin(), s.destination.end(), f.destination + at);
        f.protocol = s.protocol;
        f.local = local;
        f.in_port = in_port;
        if (!s.fragment && s.protocol != 1) {
          f.source_port = swap_be(uint16_t{4000});
          f.destination_port = swap_be(s.port);
        }
      };
      fill(n, 0);
      fill(w, 12);
      if (!agree(s.wide ? bytes(&w, sizeof w) : bytes(&n, sizeof n), fields_of(k), mask_of(k))) continue;
      const bool ports = s.wide ? (k.wide_mask.source_port | k.wide_mask.destination_port) != 0
                                : (k.narrow_mask.source_port | k.narrow_mask.destination_port) != 0;
      if (s.fragment && ports) continue;
      if (!payload_fits(k, s)) continue;
      const int rank = int(count(mask_of(k)) * 1000 + count(flat(k).second));
      if (rank > best) paths.clear();
      if (rank >= best) paths.insert(b.text);
      best = std::max(best, rank);
    }
    return paths;
  }

  template <typename Wanted>
  std::multiset<std::string> best_payload(const Sent& s, Wanted wanted) const {
    int best = -1;
    std::multiset<std::string> paths;
    for (const Bound& b : bound_) {
      if (!wanted(b.key) || !payload_fits(b.key, s)) continue;
      const int rank = int(count(flat(b.key).second));
      if (rank > best) paths.clear();
      if (rank >= best) paths.insert(b.text);
      best = std::max(best, rank);
    }
    return paths;
  }

  std::vector<Bound> bound_;
};

class RandomTest : public testing::TestWithParam<int> {
 protected:
  size_t below(size_t n) { return size_t(random_() % n); }
  bool chance(size_t of) { return below(of) == 0; }

  Ip4 destination() {
    static const Ip4 kAll[] = {DemuxNode::kLocal,       DemuxNode::kLocal,    DemuxNode::kForwarded,
                               DemuxNode::kForwarded2,  DemuxNode::kResolved, DemuxNode::kBlackhole,
                               DemuxNode::kUnreachable, DemuxNode::kProhibit, DemuxNode::kKernel,
                               DemuxNode::kNoRoute,     Ip4{224, 0, 0, 5},    Ip4{255, 255, 255, 255}};
    return kAll[below(std::size(kAll))];
  }
  Ip4 source() { return {10, 0, 0, uint8_t(8 + below(2))}; }
  uint8_t protocol() { return std::array<uint8_t, 3>{17, 6, 1}[below(3)]; }

  template <typename Fields>
  void tuple(Fields& f, Fields& m, size_t at) {
    auto address = [&](uint8_t* a, uint8_t* mask, const Ip4& ip) {
      if (at > 0) {
        a[0] = 0x20;
        a[1] = 0x01;
        a[2] = 0x0d;
        a[3] = 0xb8;
      }
      std::copy(ip.begin(), ip.end(), a + at);
      const size_t bits = at * 8 + std::array<size_t, 2>{32, 16}[below(2)];
      for (size_t i = 0; i < bits; ++i) mask[i / 8] |= uint8_t(0x80 >> i % 8);
    };
    if (chance(3)) address(f.source, m.source, source());
    if (chance(3)) address(f.destination, m.destination, destination());
    if (!chance(4)) {
      f.protocol = protocol();
      m.protocol = 0xff;
    }
    if (chance(2)) {
      f.destination_port = swap_be(uint16_t(7 + below(2)));
      m.destination_port = 0xffff;
    }
    if (chance(2)) {
      f.local = !chance(6);
      m.local = chance(2) ? 1 : 0xff;
    }
  }

  DemuxKey key() {
    DemuxKey k;
    k.shape = std::array{DemuxKey::kLink, DemuxKey::kNarrow, DemuxKey::kNarrow,
                         DemuxKey::kWide, DemuxKey::kWide,   DemuxKey::kRoute}[below(6)];
    k.in_port = uint16_t(below(2));
    k.any_protocol = chance(3);
    k.link_protocol =
        std::array<uint16_t, 3>{0x0800, 0x86dd, 0x88b5}[below(k.shape == DemuxKey::kRoute ? 2 : 3)];
    k.out_port = uint16_t(below(3));
    k.share = chance(3);
    tuple(k.narrow, k.narrow_mask, 0);
    tuple(k.wide, k.wide_mask, 12);
    if (chance(3)) {
      PayloadMatch m{uint32_t(below(2)), {}, {}};
      for (size_t n = 1 + below(2); n > 0; --n) {
        m.value.push_back(uint8_t(below(2)));
        m.mask.push_back(chance(4) ? 0x01 : 0xff);
      }
      k.payload.push_back(m);
    }
    return k;
  }

  Sent packet() {
    Sent s{.wide = chance(2),
           .source = source(),
           .destination = destination(),
           .protocol = std::array<uint8_t, 3>{17, 17, 1}[below(3)],
           .port = uint16_t(6 + below(3)),
           .fragment = chance(8)};
    for (size_t n = below(4); n > 0; --n) s.payload.push_back(uint8_t(below(2)));
    if (chance(4)) s.padding = uint32_t(below(4));
    if (chance(10)) {
      s.raw = {0};
      for (size_t n = below(3); n > 0; --n) s.raw.push_back(uint8_t(below(2)));
    }
    return s;
  }

  std::mt19937 random_{uint32_t(GetParam())};
};

bool is_group(const Sent& s) {
  return !s.wide && (s.destination == Ip4{224, 0, 0, 5} || s.destination == Ip4{255, 255, 255, 255});
}

TEST_P(RandomTest, AgreesWithTheModel) {
  DemuxNode node;
  Model model;
  std::vector<size_t> numbers;  // of the model's paths in the node
  size_t bound = 0, refused = 0, delivered = 0, dropped = 0, sent = 0;
  for (int step = 0; step < 3000; ++step) {
    const size_t what = below(10);
    if (what == 0 && model.size() < 40) {
      const DemuxKey k = key();
      const std::string text = "p" + std::to_string(step);
      auto done = node.try_bind(text, k);
      if (!done && done.error().code == Code::kLimit) continue;  // too many shapes
      ASSERT_EQ(bool(done), model.may_bind(k)) << (done ? "bound" : done.error().sentence);
      if (!done) {
        ++refused;
        ASSERT_EQ(done.error().code, Code::kExists);
        continue;
      }
      ++bound;
      model.bind(text, k);
      numbers.push_back(node.paths() - 1);
    } else if (what == 1 && model.size() > 20) {
      const size_t i = below(model.size());
      node.unbind(numbers[i]);
      model.unbind(i);
      numbers.erase(numbers.begin() + long(i));
    } else {
      const Sent s = packet();
      const uint16_t in_port = uint16_t(below(2));
      const NextHop hop = node.next_hop(s.destination);
      const Model::Answer expected = model.answer(s, in_port, hop, is_group(s));
      const uint64_t before = node.demux().drops()[expected.reason];
      const uint64_t all_before = node.demux().drops().total();
      const auto got = node.send(s, in_port);
      ++sent;
      ASSERT_EQ(std::multiset<std::string>(got.begin(), got.end()), expected.paths) << "step " << step;
      if (expected.paths.empty()) {
        ++dropped;
        ASSERT_EQ(node.demux().drops()[expected.reason], before + 1) << name(expected.reason);
      }
      ASSERT_EQ(node.demux().drops().total(), all_before + (expected.paths.empty() ? 1 : 0));
      delivered += got.size();
    }
  }
  EXPECT_EQ(sent + node.demux().copied(), delivered + node.demux().drops().total());
  EXPECT_GT(bound, 30u);
  EXPECT_GT(refused, 5u);
  EXPECT_GT(delivered, 500u);
  EXPECT_GT(dropped, 20u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTest, testing::Range(1, 6));

}  // namespace
}  // namespace weft
