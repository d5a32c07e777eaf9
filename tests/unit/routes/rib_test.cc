// SPDX-License-Identifier: Apache-2.0
#include "routes/rib.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "paths/lpm.h"

namespace weft {
namespace {

HopKey hop_key(uint32_t n) {
  HopKey key{NextHop::kForward};
  key.port = uint16_t(n);
  return key;
}

// All routes in a list; the answer by looking at every one of them.
template <size_t kBytes>
struct Model {
  using Key = typename Rib<kBytes>::Key;
  struct Known {
    Key prefix;
    unsigned length;
    Candidate candidate;
    uint64_t order;
  };
  std::vector<Known> routes;

  static bool covers(const Key& prefix, unsigned length, const Key& address) {
    for (unsigned bit = 0; bit < length; ++bit) {
      if (((prefix[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
    }
    return true;
  }
  static int rank(RouteSource s) {
    return s == RouteSource::kOwn || s == RouteSource::kKernelLocal ? 0
           : s == RouteSource::kNeighbour                           ? 2
                                                                    : 1;
  }
  static bool better(const Known& a, const Known& b) {
    const auto order = [](const Known& k) {
      return std::tuple(rank(k.candidate.source), k.candidate.metric, k.candidate.source, k.order);
    };
    return order(a) < order(b);
  }
  // The best route of the longest prefix that has one whose next hop is installable.
  uint16_t find(const Key& address, const NextHopTable& hops) const {
    std::map<unsigned, const Known*, std::greater<>> best;  // by length, longest first
    for (const Known& k : routes) {
      if (!covers(k.prefix, k.length, address)) continue;
      const Known*& there = best[k.length];
      if (there == nullptr || better(k, *there)) there = &k;
    }
    for (const auto& [length, k] : best) {
      if (const uint16_t index = hops.index(k->candidate.hop); index != 0) return index;
    }
    return 0;
  }
};

template <size_t kBytes>
void play(Lpm<kBytes>& lpm, const RibChange<kBytes>& change) {
  if (change.value != 0) {
    ASSERT_TRUE(lpm.insert(change.prefix.data(), change.length, change.value));
  } else {
    lpm.erase(change.prefix.data(), change.length, change.cover_value, change.cover_length);
  }
}

// Random routes in a corner of the address space so small that they overlap.
template <size_t kBytes>
void against_the_model(uint32_t seed, uint32_t hop_capacity) {
  std::mt19937 random(seed);
  NextHopTable hops(hop_capacity);
  Rib<kBytes> rib(hops);
  Lpm<kBytes> lpm;
  Model<kBytes> model;
  using Key = typename Rib<kBytes>::Key;
  const auto some_address = [&] {
    Key key{};
    key[0] = 10;
    for (size_t i = 1; i < 5 && i < kBytes; ++i) key[i] = uint8_t(random() % 4 << 6 | random() % 2);
    key[kBytes - 1] = uint8_t(random() % 8);
    return key;
  };
  const auto some_length = [&] {
    // Few short ones: each is a million entries of the Lpm.
    if (random() % 64 == 0) return random() % 2 == 0 ? 0u : 9u;
    constexpr unsigned kLengths[] = {15, 16, 17, 23, 24, 25, 26, 31, 32, 40, 48, 64, 127, 128};
    for (;;) {
      const unsigned length = kLengths[random() % std::size(kLengths)];
      if (length <= kBytes * 8) return length;
    }
  };
  uint64_t now = 0;
  for (int step = 0; step < 1000; ++step) {
    if (model.routes.empty() || random() % 5 < 3) {
      Candidate c;
      c.hop = hops.acquire(hop_key(random() % 12)).id;
      c.metric = random() % 3;
      c.source = RouteSource(random() % 5);
      const Key prefix = some_address();
      const unsigned length = some_length();
      Key masked{};
      for (unsigned bit = 0; bit < length; ++bit)
        masked[bit / 8] |= uint8_t(prefix[bit / 8] & (0x80 >> bit % 8));
      const bool known = std::any_of(model.routes.begin(), model.routes.end(), [&](const auto& k) {
        return k.prefix == masked && k.length == length && k.candidate.same(c);
      });
      if (!known) model.routes.push_back({masked, length, c, uint64_t(step)});
      if (const auto change = rib.add(prefix, length, c)) play(lpm, *change);
    } else if (random() % 20 == 0) {
      // Everything of one source goes, in small pieces.
      const RouteSource source = RouteSource(random() % 5);
      const auto gone = [source](const Candidate& c) { return c.source == source; };
      typename Rib<kBytes>::Cursor cursor;
      std::vector<RibChange<kBytes>> changes;
      while (!rib.sweep(cursor, 7, gone, changes)) {
      }
      for (const auto& change : changes) play(lpm, change);
      std::erase_if(model.routes, [&](const auto& k) { return k.candidate.source == source; });
    } else {
      const size_t i = random() % model.routes.size();
      const auto it = model.routes[i];
      model.routes.erase(model.routes.begin() + ptrdiff_t(i));
      const auto change =
          rib.remove(it.prefix, it.length, [&](const Candidate& c) { return c.same(it.candidate); });
      if (change) play(lpm, *change);
    }
    // Indices come back, and what had none is installed.
    for (const auto& r : hops.take_retiring()) {
      if (r.index != 0) hops.retired(r.index, now);
    }
    now += NextHopTable::kQuietNs;
    if (!hops.assign(now).empty()) {
      typename Rib<kBytes>::Cursor cursor;
      std::vector<RibChange<kBytes>> changes;
      ASSERT_TRUE(rib.sweep(cursor, SIZE_MAX, {}, changes));
      for (const auto& change : changes) play(lpm, change);
    }
    for (int probe = 0; probe < 4; ++probe) {
      const Key address = some_address();
      ASSERT_EQ(lpm.find(address.data()), model.find(address, hops)) << "step " << step << " seed " << seed;
    }
  }
  std::vector<RibChange<kBytes>> changes;
  typename Rib<kBytes>::Cursor cursor;
  EXPECT_TRUE(rib.sweep(
      cursor, SIZE_MAX, [](const Candidate&) { return true; }, changes));
  for (const auto& change : changes) play(lpm, change);
  EXPECT_EQ(rib.prefixes(), 0u);
  EXPECT_EQ(rib.not_installed(), 0u);
  EXPECT_EQ(hops.in_use(), 0u);
  EXPECT_EQ(hops.without_index(), 0u);
  EXPECT_EQ(lpm.find(some_address().data()), 0);
}

TEST(Rib, Ip4FollowsTheModel) {
  for (uint32_t seed = 1; seed <= 4; ++seed) against_the_model<4>(seed, 64);
}
TEST(Rib, Ip6FollowsTheModel) {
  for (uint32_t seed = 1; seed <= 4; ++seed) against_the_model<16>(seed, 64);
}
TEST(Rib, FollowsTheModelWhenIndicesRunOut) {
  against_the_model<4>(11, 6);
  against_the_model<16>(12, 6);
}

TEST(Rib, LowestMetricWinsAndTheNextTakesOver) {
  NextHopTable hops;
  Rib<4> rib(hops);
  const Rib<4>::Key p{10, 0, 0, 0};
  const HopId slow = hops.acquire(hop_key(1)).id;
  const HopId fast = hops.acquire(hop_key(2)).id;
  EXPECT_EQ(rib.add(p, 8, {slow, 100})->value, hops.index(slow));
  EXPECT_EQ(rib.add(p, 8, {fast, 10})->value, hops.index(fast));
  EXPECT_EQ(rib.remove(p, 8, [&](const Candidate& c) { return c.hop == fast; })->value, hops.index(slow));
  const auto last = rib.remove(p, 8, [](const Candidate&) { return true; });
  ASSERT_TRUE(last);
  EXPECT_EQ(last->value, 0);
  EXPECT_EQ(rib.prefixes(), 0u);
}

TEST(Rib, ReplacingIsOneChangeWithoutAGap) {
  NextHopTable hops;
  Rib<4> rib(hops);
  const Rib<4>::Key p{10, 0, 0, 0};
  rib.add(p, 8, {hops.acquire(hop_key(1)).id, 10});
  const HopId other = hops.acquire(hop_key(2)).id;
  const auto change = rib.replace(p, 8, {other, 10}, [](const Candidate& c) { return c.metric == 10; });
  ASSERT_TRUE(change);
  EXPECT_EQ(change->value, hops.index(other));
  EXPECT_EQ(hops.in_use(), 1u);
}

TEST(Rib, ManyRoutes) {
  NextHopTable hops;
  Rib<4> rib(hops);
  const HopId hop = hops.acquire(hop_key(1)).id;
  for (uint32_t i = 0; i < 200'000; ++i) {
    const uint32_t address = __builtin_bswap32((1u << 24) + (i << 8));
    Rib<4>::Key key;
    std::memcpy(key.data(), &address, 4);
    hops.retain(hop);
    ASSERT_TRUE(rib.add(key, 24, {hop, 0}));
  }
  EXPECT_EQ(rib.prefixes(), 200'000u);
  hops.release(hop);
}

TEST(NextHopTable, EqualOnesShareAnIndex) {
  NextHopTable hops;
  const auto a = hops.acquire(hop_key(1));
  const auto b = hops.acquire(hop_key(1));
  EXPECT_EQ(a.id, b.id);
  EXPECT_TRUE(a.first && a.indexed);
  EXPECT_FALSE(b.first || b.indexed);
  EXPECT_NE(hops.index(a.id), 0);
  EXPECT_NE(hops.index(hops.acquire(hop_key(2)).id), hops.index(a.id));
}

TEST(NextHopTable, AnIndexIsQuietBeforeItIsUsedAgain) {
  NextHopTable hops(2);  // one index
  const HopId a = hops.acquire(hop_key(1)).id;
  ASSERT_EQ(hops.index(a), 1);
  hops.release(a);
  const auto retiring = hops.take_retiring();
  ASSERT_EQ(retiring.size(), 1u);
  EXPECT_EQ(retiring[0].index, 1);
  const HopId b = hops.acquire(hop_key(2)).id;
  EXPECT_EQ(hops.index(b), 0);  // the worker may still hold it
  EXPECT_TRUE(hops.assign(1'000).empty());
  hops.retired(1, 1'000);
  EXPECT_TRUE(hops.assign(1'000 + NextHopTable::kQuietNs - 1).empty());
  EXPECT_EQ(hops.next_due_ns(), 1'000 + NextHopTable::kQuietNs);
  EXPECT_EQ(hops.assign(1'000 + NextHopTable::kQuietNs), std::vector<HopId>{b});
  EXPECT_EQ(hops.index(b), 1);
  EXPECT_EQ(hops.without_index(), 0u);
}

TEST(NextHopTable, NeverMoreThanTheWorkerCanName) {
  NextHopTable hops;
  for (uint32_t i = 0; i < NextHops::kCapacity + 10; ++i) {
    const HopId id = hops.acquire(hop_key(i)).id;
    EXPECT_LT(hops.index(id), NextHops::kCapacity);
  }
  EXPECT_EQ(hops.in_use(), NextHops::kCapacity - 1);
  EXPECT_EQ(hops.without_index(), 11u);
}

}  // namespace
}  // namespace weft
