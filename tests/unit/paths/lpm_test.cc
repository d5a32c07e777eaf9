// SPDX-License-Identifier: Apache-2.0
#include "paths/lpm.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace weft {
namespace {

template <size_t kBytes>
using Bytes = std::array<uint8_t, kBytes>;

template <size_t kBytes>
struct Prefix {
  Bytes<kBytes> bytes{};
  unsigned length = 0;
};

template <size_t kBytes>
Bytes<kBytes> masked(Bytes<kBytes> a, unsigned length) {
  for (unsigned i = 0; i < kBytes; ++i) {
    const unsigned keep = length <= i * 8 ? 0 : std::min(8u, length - i * 8);
    a[i] &= uint8_t(0xff00u >> keep);
  }
  return a;
}

// Longest prefix match by asking for every length.
template <size_t kBytes>
class Model {
 public:
  void insert(const Prefix<kBytes>& p, uint16_t value) {
    prefixes_[{p.length, masked(p.bytes, p.length)}] = value;
  }
  void erase(const Prefix<kBytes>& p) { prefixes_.erase({p.length, masked(p.bytes, p.length)}); }
  bool has(const Prefix<kBytes>& p) const {
    return prefixes_.count({p.length, masked(p.bytes, p.length)}) != 0;
  }
  uint16_t find(const Bytes<kBytes>& a) const { return longest(a, kBytes * 8).first; }
  // The value and length of the longest match not longer than `length`.
  std::pair<uint16_t, unsigned> longest(const Bytes<kBytes>& a, unsigned length) const {
    for (int n = int(length); n >= 0; --n) {
      auto it = prefixes_.find({unsigned(n), masked(a, unsigned(n))});
      if (it != prefixes_.end()) return {it->second, unsigned(n)};
    }
    return {0, 0};
  }
  const std::map<std::pair<unsigned, Bytes<kBytes>>, uint16_t>& prefixes() const { return prefixes_; }

 private:
  std::map<std::pair<unsigned, Bytes<kBytes>>, uint16_t> prefixes_;
};

template <size_t kBytes>
void erase(Lpm<kBytes>& table, Model<kBytes>& model, const Prefix<kBytes>& p) {
  model.erase(p);
  const auto [value, length] =
      p.length == 0 ? std::pair<uint16_t, unsigned>{0, 0} : model.longest(p.bytes, p.length - 1);
  table.erase(p.bytes.data(), p.length, value, length);
}

template <typename T>
class LpmTest : public testing::Test {
 public:
  static constexpr size_t kBytes = T::value;
  static constexpr unsigned kBits = kBytes * 8;
  using Address = Bytes<kBytes>;

  // Few different bits at few different places, so that prefixes nest often.
  Address clustered() {
    Address a{};
    for (unsigned i = 0; i < 6; ++i) {
      const unsigned bit = unsigned(rng() % kBits);
      a[bit / 8] ^= uint8_t(rng() % 4 == 0 ? 0x80u >> (bit % 8) : 0);
    }
    return a;
  }
  Address random() {
    Address a;
    for (uint8_t& b : a) b = uint8_t(rng());
    return a;
  }
  // The address, and the one beside it across the end of the prefix.
  std::vector<Address> edges(const Prefix<kBytes>& p) {
    Address first = masked(p.bytes, p.length), last = first;
    for (unsigned bit = p.length; bit < kBits; ++bit) last[bit / 8] |= uint8_t(0x80u >> (bit % 8));
    Address before = first, behind = last;
    for (size_t i = kBytes; i-- > 0;) {
      if (before[i]-- != 0) break;
    }
    for (size_t i = kBytes; i-- > 0;) {
      if (++behind[i] != 0) break;
    }
    return {first, last, before, behind};
  }

  std::mt19937_64 rng{2026};
};

using Sizes = testing::Types<std::integral_constant<size_t, 4>, std::integral_constant<size_t, 16>>;
TYPED_TEST_SUITE(LpmTest, Sizes);

TYPED_TEST(LpmTest, EmptyTableFindsNothing) {
  Lpm<TestFixture::kBytes> table;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(table.find(this->random().data()), 0);
}

TYPED_TEST(LpmTest, EmptyPrefixCatchesWhatNothingElseDoes) {
  Lpm<TestFixture::kBytes> table;
  typename TestFixture::Address a{};
  ASSERT_TRUE(table.insert(a.data(), 0, 7));
  EXPECT_EQ(table.find(this->random().data()), 7);
  ASSERT_TRUE(table.insert(a.data(), TestFixture::kBits, 9));
  EXPECT_EQ(table.find(a.data()), 9);
  a.back() = 1;
  EXPECT_EQ(table.find(a.data()), 7);
  table.erase(a.data(), 0, 0, 0);
  EXPECT_EQ(table.find(a.data()), 0);
}

TYPED_TEST(LpmTest, EveryLengthAlone) {
  for (unsigned length = 0; length <= TestFixture::kBits; ++length) {
    // A /1 writes half of the root; a few of the short ones are enough.
    if (length > 1 && length < 8 && length % 3 != 0) continue;
    Lpm<TestFixture::kBytes> table;
    Model<TestFixture::kBytes> model;
    const Prefix<TestFixture::kBytes> p{this->random(), length};
    ASSERT_TRUE(table.insert(p.bytes.data(), length, 0x7fff));
    model.insert(p, 0x7fff);
    for (const auto& a : this->edges(p)) EXPECT_EQ(table.find(a.data()), model.find(a)) << length;
    erase(table, model, p);
    for (const auto& a : this->edges(p)) EXPECT_EQ(table.find(a.data()), 0) << length;
    EXPECT_EQ(table.groups_in_use(), 0u);
  }
}

TYPED_TEST(LpmTest, SameAsTheModelUnderRandomChange) {
  constexpr size_t kBytes = TestFixture::kBytes;
  Lpm<kBytes> table;
  Model<kBytes> model;
  std::vector<Prefix<kBytes>> inserted;
  for (int step = 0; step < 4000; ++step) {
    const bool grow = inserted.empty() || this->rng() % 100 < (step < 2000 ? 65u : 40u);
    Prefix<kBytes> p;
    if (grow) {
      p.bytes = this->rng() % 3 != 0 ? this->clustered() : this->random();
      p.length = unsigned(this->rng() % (TestFixture::kBits + 1));
      if (p.length < 12 && this->rng() % 32 != 0) p.length += 12;  // short ones cost much time
      const auto value = uint16_t(1 + this->rng() % 0x7fff);
      ASSERT_TRUE(table.insert(p.bytes.data(), p.length, value));
      if (!model.has(p)) inserted.push_back(p);
      model.insert(p, value);
    } else {
      std::swap(inserted[this->rng() % inserted.size()], inserted.back());
      p = inserted.back();
      inserted.pop_back();
      erase(table, model, p);
    }
    for (const auto& a : this->edges(p)) ASSERT_EQ(table.find(a.data()), model.find(a)) << step;
    for (int i = 0; i < 4; ++i) {
      const auto a = i < 2 ? this->clustered() : this->random();
      ASSERT_EQ(table.find(a.data()), model.find(a)) << step;
    }
  }
  while (!inserted.empty()) {
    erase(table, model, inserted.back());
    inserted.pop_back();
  }
  EXPECT_EQ(table.groups_in_use(), 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(table.find(this->clustered().data()), 0);
}

TYPED_TEST(LpmTest, EraseOfWhatIsNotThereChangesNothing) {
  Lpm<TestFixture::kBytes> table;
  typename TestFixture::Address a{};
  a[0] = 10;
  ASSERT_TRUE(table.insert(a.data(), 16, 5));
  table.erase(a.data(), 20, 5, 16);
  table.erase(a.data(), TestFixture::kBits, 5, 16);
  EXPECT_EQ(table.find(a.data()), 5);
  EXPECT_EQ(table.groups_in_use(), 0u);
}

TYPED_TEST(LpmTest, MovesToHugePagesUnderLookups) {
  Lpm<TestFixture::kBytes> table;
  std::vector<typename TestFixture::Address> prefixes;
  while (!table.large()) {
    prefixes.push_back(this->random());
    ASSERT_TRUE(
        table.insert(prefixes.back().data(), TestFixture::kBits, uint16_t(1 + prefixes.size() % 100)));
  }
  std::vector<uint16_t> answers;
  for (const auto& a : prefixes) answers.push_back(table.find(a.data()));
  std::atomic<bool> moved{false};
  std::thread mover([&] {
    table.move_to_huge_pages();
    moved = true;
  });
  size_t passes = 0;
  do {
    for (size_t i = 0; i < prefixes.size(); ++i) ASSERT_EQ(table.find(prefixes[i].data()), answers[i]);
    ++passes;
  } while (!moved);
  EXPECT_GT(passes, 0u);
  mover.join();
}

TEST(Lpm4, BeyondTheGroupsIsRefusedAndChangesNothing) {
  Lpm<4> table;
  auto put = [&](uint32_t n, unsigned length) {
    const std::array<uint8_t, 4> a{uint8_t(n >> 16), uint8_t(n >> 8), uint8_t(n), 1};
    return bool(table.insert(a.data(), length, 3));
  };
  for (uint32_t n = 0; n < Lpm<4>::kGroups; ++n) ASSERT_TRUE(put(n, 32));
  EXPECT_EQ(table.groups_in_use(), Lpm<4>::kGroups);
  EXPECT_FALSE(put(Lpm<4>::kGroups, 32));
  const std::array<uint8_t, 4> refused{0, 0x80, 0, 1};
  EXPECT_EQ(table.find(refused.data()), 0);
  EXPECT_TRUE(put(0, 31));                // in a group that is there
  EXPECT_TRUE(put(Lpm<4>::kGroups, 24));  // needs none
  EXPECT_EQ(table.find(refused.data()), 3);
  const std::array<uint8_t, 4> freed{0, 1, 2, 1};
  table.erase(freed.data(), 32, 0, 0);
  EXPECT_TRUE(put(Lpm<4>::kGroups, 32));
  EXPECT_FALSE(put(Lpm<4>::kGroups + 1, 25));
}

TEST(Lpm16, BeyondTheGroupsIsRefusedAndChangesNothing) {
  Lpm<16> table;
  std::array<uint8_t, 16> a{0x20, 0x01};
  uint32_t n = 0;
  Result<void> done;
  while (done) {  // 13 groups each, of which most are fresh
    store_be32(&a[2], ++n << 8);
    done = table.insert(a.data(), 128, 3);
  }
  EXPECT_EQ(done.error().code, Code::kLimit);
  EXPECT_GT(n, Lpm<16>::kGroups / 13);
  EXPECT_LE(table.groups_in_use(), Lpm<16>::kGroups);
  EXPECT_EQ(table.find(a.data()), 0);
  while (--n > 0) {
    store_be32(&a[2], n << 8);
    ASSERT_EQ(table.find(a.data()), 3);
    table.erase(a.data(), 128, 0, 0);
  }
  EXPECT_EQ(table.groups_in_use(), 0u);
}

size_t resident_kib() {
  std::ifstream statm("/proc/self/statm");
  size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4;
}

TEST(Lpm4, AnIdleTableIsSmall) {
  const size_t before = resident_kib();
  auto ip4 = std::make_unique<Lpm<4>>();
  auto ip6 = std::make_unique<Lpm<16>>();
  const std::array<uint8_t, 16> a{10, 0, 0, 1};
  ASSERT_TRUE(ip4->insert(a.data(), 0, 1));
  ASSERT_TRUE(ip4->insert(a.data(), 24, 2));
  ASSERT_TRUE(ip4->insert(a.data(), 32, 3));
  ASSERT_TRUE(ip6->insert(a.data(), 64, 2));
  EXPECT_LT(resident_kib() - before, 256u);
}

// Lengths as in a full table of the Internet: mostly /24, some longer.
TEST(Lpm4, AMillionPrefixesGoInFast) {
  std::mt19937_64 rng(1);
  std::vector<std::pair<std::array<uint8_t, 4>, unsigned>> prefixes(1'000'000);
  for (auto& [a, length] : prefixes) {
    store_be32(a.data(), uint32_t(rng()));
    const unsigned dice = unsigned(rng() % 100);
    length = dice < 60 ? 24 : dice < 99 ? 16 + dice % 8 : 25 + dice % 8;
  }
  Lpm<4> table;
  const auto start = std::chrono::steady_clock::now();
  uint16_t value = 0;
  for (const auto& [a, length] : prefixes) {
    value = uint16_t(value % Lpm<4>::kMaxValue + 1);
    ASSERT_TRUE(table.insert(a.data(), length, value));
  }
  const auto took = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", int(took / std::chrono::milliseconds(1)));
  EXPECT_LT(took, std::chrono::seconds(20));  // a loaded machine, a debug build
  EXPECT_EQ(table.find(prefixes.back().first.data()), value);
}

}  // namespace
}  // namespace weft
