// SPDX-License-Identifier: Apache-2.0
#include "paths/tuple_table.h"

#include <gtest/gtest.h>

#include <map>

namespace weft {
namespace {

template <typename Fields>
Fields random_bytes(std::mt19937& random, unsigned values) {
  std::array<uint8_t, sizeof(Fields)> bytes;
  for (uint8_t& b : bytes) b = uint8_t(random() % values);
  return std::bit_cast<Fields>(bytes);
}

template <typename Fields>
Fields masked(const Fields& fields, const Fields& mask) {
  auto f = std::bit_cast<std::array<uint8_t, sizeof(Fields)>>(fields);
  auto m = std::bit_cast<std::array<uint8_t, sizeof(Fields)>>(mask);
  for (size_t i = 0; i < sizeof(Fields); ++i) f[i] &= m[i];
  return std::bit_cast<Fields>(f);
}

template <typename Fields>
bool equal(const Fields& a, const Fields& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// As a loop asks the filter.
template <typename Fields>
int candidates(const TupleTable<Fields>& table, const Fields& f) {
  constexpr size_t octet = sizeof f.source == 4 ? 2 : 7;
  const TupleFilter& filter = table.filter();
  return filter.at_port(f.in_port).candidates(f.source[octet], f.destination[octet], f.protocol);
}

template <typename Fields>
class TupleTableTest : public testing::Test {};
using BothFields = testing::Types<NarrowFields, WideFields>;
TYPED_TEST_SUITE(TupleTableTest, BothFields);

TYPED_TEST(TupleTableTest, EmptyFindsNothing) {
  TupleTable<TypeParam> table;
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.find(TypeParam{}), table.kNone);
  EXPECT_EQ(table.at({}, {}), table.kNone);
  EXPECT_EQ(table.most_bits(), 0u);
}

TYPED_TEST(TupleTableTest, MoreBitsWin) {
  TupleTable<TypeParam> table;
  TypeParam port{}, port_mask{}, both_mask{};
  port.destination_port = 7;
  port_mask.destination_port = 0xffff;
  both_mask = port_mask;
  both_mask.protocol = 0xff;
  TypeParam both = port;
  both.protocol = 17;
  ASSERT_TRUE(table.insert(port, port_mask, 1));
  ASSERT_TRUE(table.insert(both, both_mask, 2));
  EXPECT_EQ(table.shapes(), 2u);
  EXPECT_EQ(table.most_bits(), 24u);

  TypeParam packet = both;
  packet.source_port = 99;
  EXPECT_EQ(table.find(packet), 2u);
  EXPECT_EQ(table.find_if(packet, [](const auto&, unsigned bits, uint32_t) { return bits < 24; }), 1u);
  packet.protocol = 6;
  EXPECT_EQ(table.find(packet), 1u);
  packet.destination_port = 8;
  EXPECT_EQ(table.find(packet), table.kNone);

  table.erase(both, both_mask);
  EXPECT_EQ(table.shapes(), 1u);
  EXPECT_EQ(table.find(both), 1u);
  table.erase(port, port_mask);
  EXPECT_TRUE(table.empty());
}

TYPED_TEST(TupleTableTest, TheEmptyMaskMatchesAll) {
  TupleTable<TypeParam> table;
  ASSERT_TRUE(table.insert({}, {}, 5));
  std::mt19937 random(1);
  EXPECT_EQ(table.find(random_bytes<TypeParam>(random, 256)), 5u);
}

TYPED_TEST(TupleTableTest, Bounds) {
  TupleTable<TypeParam> table;
  for (uint16_t i = 0; i < table.kMaxShapes; ++i) {
    TypeParam mask{};
    mask.source_port = uint16_t(1 << i);
    ASSERT_TRUE(table.insert({}, mask, 1));
  }
  TypeParam mask{};
  mask.protocol = 1;
  EXPECT_FALSE(table.insert({}, mask, 1));
  EXPECT_EQ(table.shapes(), table.kMaxShapes);

  TupleTable<TypeParam> full;
  TypeParam all{};
  all.source_port = 0xffff;
  all.protocol = 0xff;
  TypeParam key{};
  for (uint32_t i = 0; i < full.kMaxEntries; ++i) {
    key.source_port = uint16_t(i);
    ASSERT_TRUE(full.insert(key, all, i + 1));
  }
  key.protocol = 1;
  EXPECT_FALSE(full.insert(key, all, 1));
  for (uint32_t i = 0; i < full.kMaxEntries; ++i) {
    key.protocol = 0;
    key.source_port = uint16_t(i);
    ASSERT_EQ(full.find(key), i + 1);
  }
}

TYPED_TEST(TupleTableTest, TheFilterRulesOutWhatNoTupleCanMatch) {
  TupleTable<TypeParam> table;
  const size_t octet = sizeof TypeParam{}.source == 4 ? 2 : 7;
  TypeParam subnet{}, subnet_mask{};
  subnet.destination[octet] = 0x30;
  subnet_mask.destination[octet] = 0xf0;
  subnet.in_port = 1;
  subnet_mask.in_port = 0xffff;
  TypeParam tcp{}, tcp_mask{};
  tcp.protocol = 6;
  tcp_mask.protocol = 0xff;
  tcp.in_port = 1;
  tcp_mask.in_port = 0xffff;
  ASSERT_TRUE(table.insert(subnet, subnet_mask, 1));
  ASSERT_TRUE(table.insert(tcp, tcp_mask, 2));

  TypeParam packet{};
  packet.in_port = 1;
  packet.protocol = 17;
  packet.destination[octet] = 0x3f;
  EXPECT_NE(candidates(table, packet), 0) << "in the subnet";
  packet.destination[octet] = 0x40;
  EXPECT_EQ(candidates(table, packet), 0);
  packet.protocol = 6;
  EXPECT_NE(candidates(table, packet), 0) << "TCP";
  packet.in_port = 2;
  EXPECT_EQ(candidates(table, packet), 0) << "another port";
  packet.in_port = 1;
  table.erase(tcp, tcp_mask);
  EXPECT_EQ(candidates(table, packet), 0) << "the tuple is gone";
}

TYPED_TEST(TupleTableTest, TheFilterForgetsErasedTuplesOfAShapeThatStays) {
  TupleTable<TypeParam> table;
  TypeParam mask{};
  mask.protocol = 0xff;
  const auto of = [](uint8_t protocol) {
    TypeParam f{};
    f.protocol = protocol;
    return f;
  };
  for (int protocol = 0; protocol < 100; ++protocol) {
    ASSERT_TRUE(table.insert(of(uint8_t(protocol)), mask, uint32_t(protocol) + 1));
  }
  for (int protocol = 10; protocol < 100; ++protocol) table.erase(of(uint8_t(protocol)), mask);
  for (int protocol = 0; protocol < 10; ++protocol) EXPECT_NE(candidates(table, of(uint8_t(protocol))), 0);
  int kept = 0;
  for (int protocol = 10; protocol < 100; ++protocol) kept += candidates(table, of(uint8_t(protocol))) != 0;
  EXPECT_LE(kept, 10);
}

TYPED_TEST(TupleTableTest, Overlap) {
  TypeParam a{}, b{}, a_mask{}, b_mask{};
  a.source_port = 7;
  a_mask.source_port = 0xffff;
  b.destination_port = 7;
  b_mask.destination_port = 0xffff;
  EXPECT_TRUE(TupleTable<TypeParam>::overlap(a, a_mask, b, b_mask));
  a.protocol = 6;
  b.protocol = 17;
  EXPECT_TRUE(TupleTable<TypeParam>::overlap(a, a_mask, b, b_mask));
  a_mask.protocol = b_mask.protocol = 0xff;
  EXPECT_FALSE(TupleTable<TypeParam>::overlap(a, a_mask, b, b_mask));
}

// Random inserts, erases and lookups do the same as a list that is searched from
// end to end.  Few different bytes, so that there are many hits and long runs.
TYPED_TEST(TupleTableTest, AgreesWithALinearSearch) {
  struct Entry {
    TypeParam fields, mask;
    uint32_t value;
    unsigned bits;
  };
  std::mt19937 random(7);
  for (int round = 0; round < 5; ++round) {
    TupleTable<TypeParam> table;
    std::vector<Entry> model;
    std::vector<TypeParam> masks;
    for (int i = 0; i < 6; ++i) {
      TypeParam mask{};
      auto* bytes = reinterpret_cast<uint8_t*>(&mask);
      // A different number of bits each, so that the order is certain.
      for (int n = 0; n <= i; ++n) bytes[random() % sizeof mask] = 0xff;
      const unsigned bits = TupleTable<TypeParam>::count_bits(mask);
      bool fresh = true;
      for (const TypeParam& m : masks) fresh = fresh && TupleTable<TypeParam>::count_bits(m) != bits;
      if (fresh) masks.push_back(mask);
    }
    size_t hits = 0;
    for (int step = 0; step < 3000; ++step) {
      const TypeParam& mask = masks[random() % masks.size()];
      const TypeParam fields = random_bytes<TypeParam>(random, 3);
      const unsigned what = random() % 4;
      auto same = [&](const Entry& e) {
        return equal(e.mask, mask) && equal(e.fields, masked(fields, mask));
      };
      auto it = std::find_if(model.begin(), model.end(), same);
      ASSERT_EQ(table.at(fields, mask), it == model.end() ? 0 : it->value);
      if (what == 0 && it == model.end()) {
        const uint32_t value = uint32_t(step) + 1;
        ASSERT_TRUE(table.insert(fields, mask, value));
        model.push_back({masked(fields, mask), mask, value, TupleTable<TypeParam>::count_bits(mask)});
      } else if (what == 1 && it != model.end()) {
        table.erase(fields, mask);
        model.erase(it);
      } else {
        const Entry* best = nullptr;
        for (const Entry& e : model) {
          if (equal(e.fields, masked(fields, e.mask)) && (best == nullptr || e.bits > best->bits)) best = &e;
        }
        hits += best != nullptr;
        ASSERT_EQ(table.find(fields), best == nullptr ? 0 : best->value);
        ASSERT_TRUE(best == nullptr || candidates(table, fields) != 0);
      }
      ASSERT_EQ(table.size(), model.size());
    }
    EXPECT_GT(hits, 0u);
  }
}

}  // namespace
}  // namespace weft
