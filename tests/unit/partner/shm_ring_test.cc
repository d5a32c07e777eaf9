// SPDX-License-Identifier: Apache-2.0
// The node's end of the rings and the guest's, in one process; and what the node makes of a
// guest without manners.
#include "partner/shm_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "partner/shm_guest.h"

namespace weft {
namespace {

constexpr uint32_t kEntries = 64, kPackets = 32;

ShmLayout layout() {
  ShmLayout l;
  l.entries = kEntries;
  l.openings = 4;
  l.memory = 2 * Pool::bytes(kPackets);
  return l;
}

class ShmRingTest : public ::testing::Test {
 protected:
  ShmRingTest() : ShmRingTest(*ShmMemory::make(layout())) {}
  explicit ShmRingTest(ShmMemory::Made made)
      : ring_(std::move(made.mine), *pool_),
        memory_(*ShmMemory::map(layout(), made.memory.get(), std::move(made.their_bell))) {
    const std::span<uint8_t> packets(memory_.base() + layout().packets(), layout().memory);
    made_ = *Pool::create({.packets = kPackets, .memory = packets});
    received_ = *Pool::create({.packets = kPackets, .memory = packets.subspan(Pool::bytes(kPackets))});
    opening_ = *ring_.open("", nullptr, kNoOpening);
  }
  ~ShmRingTest() override {
    guest_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
    EXPECT_EQ(made_->in_use(), 0u);
    EXPECT_EQ(received_->in_use(), 0u);
  }

  ShmGuest& join(uint32_t queue = 1024) {
    guest_.emplace(memory_, *received_);
    guest_->open(opening_, {.packets = queue, .bytes = 1u << 20});
    return *guest_;
  }
  static PacketPtr packet(Pool& pool, std::string_view bytes) {
    PacketPtr p = pool.alloc();
    std::memcpy(p->data, bytes.data(), bytes.size());
    p->length = uint32_t(bytes.size());
    return p;
  }
  static std::vector<std::string> take(Partner& from) {
    Pvec v;
    from.pull(Opening{0}, v, Pvec::kCapacity);
    std::vector<std::string> texts;
    for (const Packet* p : v) texts.emplace_back(reinterpret_cast<const char*>(p->data), p->length);
    v.clear();
    return texts;
  }
  // As a guest without manners writes it.
  void describe(uint32_t at, uint32_t offset, uint32_t length, bool more) {
    ShmDescriptor& d = memory_.tx_descriptors()[at % kEntries];
    d = {opening_.id, offset, length, more, 0, 0, at + 1, 0};
  }
  uint32_t first() const { return uint32_t(layout().packets()); }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 128});
  ShmRing ring_;
  ShmMemory memory_;
  std::unique_ptr<Pool> made_, received_;
  Opening opening_;
  std::optional<ShmGuest> guest_;
};

// What it leaves it gives later, in its order.
TEST_F(ShmRingTest, GivesNoMoreThanTheSlotsThatItIsAskedFor) {
  join();
  const uint32_t lengths[] = {100, 5000, 1920, 1921, 100};  // 1, 3, 1, 2 and 1 slots
  for (uint32_t i = 0; i < 5; ++i) {
    describe(i, first(), lengths[i], false);
    memory_.tx_descriptors()[i].given = 5 - i;
  }
  const auto taken = [&](uint64_t slots) {
    Pvec v;
    ring_.pull(Opening{0}, v, Pvec::kCapacity, slots);
    std::vector<uint32_t> all;
    for (const Packet* p : v) all.push_back(p->total_length());
    EXPECT_LE(pool_->in_use(), slots);
    v.clear();
    return all;
  };
  EXPECT_EQ(taken(0), std::vector<uint32_t>{});
  EXPECT_EQ(taken(3), std::vector<uint32_t>{100});
  EXPECT_EQ(taken(5), (std::vector<uint32_t>{5000, 1920}));
  EXPECT_EQ(taken(3), (std::vector<uint32_t>{1921, 100}));
}

TEST_F(ShmRingTest, PacketsCrossBothWaysInOrderForManyLaps) {
  ShmGuest& guest = join();
  for (int lap = 0; lap < 50; ++lap) {
    Pvec there, back;
    std::vector<std::string> sent;
    for (int i = 0; i < 11; ++i) {
      sent.push_back(std::to_string(lap) + "/" + std::to_string(i));
      there.push_back(packet(*made_, sent.back()));
      back.push_back(packet(*pool_, sent.back()));
    }
    guest.push(opening_, there);
    ring_.push(opening_, back);
    ASSERT_TRUE(there.empty());
    ASSERT_TRUE(back.empty());
    ASSERT_EQ(take(ring_), sent);
    ASSERT_EQ(take(guest), sent);
    ring_.tell_left(opening_, uint32_t(lap + 1) * 11);
  }
  EXPECT_EQ(ring_.faults(), 0u);
}

std::string bytes_of(const Pvec& v) {
  std::string bytes;
  for (const Packet* s = v[0]; s != nullptr; s = s->next) {
    bytes.append(reinterpret_cast<const char*>(s->data), s->length);
  }
  return bytes;
}

TEST_F(ShmRingTest, WhatFillsMoreThanABufferCrossesInPiecesBetweenOthers) {
  ShmGuest& guest = join();
  std::string long_one;
  for (uint32_t i = 0; i < 3 * ShmLayout::kBuffer + 7; ++i) long_one.push_back(char(i % 251));
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(long_one.data()), long_one.size());
  for (int lap = 0; lap < 20; ++lap) {
    Pvec there, back;
    for (auto [v, pool] : {std::pair(&there, made_.get()), {&back, pool_.get()}}) {
      v->push_back(packet(*pool, "before"));
      v->push_back(pool->copy(bytes));
      v->push_back(packet(*pool, "behind"));
    }
    guest.push(opening_, there);
    ring_.push(opening_, back);
    for (Partner* end : {static_cast<Partner*>(&ring_), static_cast<Partner*>(&guest)}) {
      for (const std::string& wanted : {std::string("before"), long_one, std::string("behind")}) {
        Pvec v;
        end->pull(Opening{0}, v, 1);
        ASSERT_EQ(v.size(), 1u);
        EXPECT_EQ(bytes_of(v), wanted);
        v.clear();
      }
    }
    ring_.tell_left(opening_, uint32_t(lap + 1) * 3);
  }
  EXPECT_EQ(ring_.faults(), 0u);
}

TEST(ShmLayoutTest, MemoryForLessThanOneBufferIsNone) {
  ShmLayout small = layout();
  small.memory = ShmLayout::kBuffer;
  EXPECT_TRUE(small.valid());
  --small.memory;
  EXPECT_FALSE(small.valid());
}

TEST_F(ShmRingTest, NoMoreThanWasLentIsTakenAndTheRestStaysWithTheCaller) {
  ShmGuest& guest = join();
  Pvec v;
  for (uint32_t i = 0; i < kPackets + 5; ++i) v.push_back(packet(*pool_, "p"));
  ring_.push(opening_, v);
  EXPECT_EQ(v.size(), 5u);
  EXPECT_EQ(take(guest).size(), kPackets);
  ring_.push(opening_, v);
  EXPECT_EQ(v.size(), 5u) << "they are not lent again before the guest looks again";
  EXPECT_TRUE(take(guest).empty());
  ring_.push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(take(guest).size(), 5u);
}

TEST_F(ShmRingTest, AGuestAsksForWhatLeftOnlyWhenItKnowsOfNoRoom) {
  ShmGuest& guest = join(4);
  Pvec v;
  for (int i = 0; i < 6; ++i) v.push_back(packet(*made_, "p"));
  guest.push(opening_, v);
  EXPECT_EQ(v.size(), 2u);
  EXPECT_EQ(take(ring_).size(), 4u);
  guest.push(opening_, v);
  EXPECT_EQ(v.size(), 2u) << "they were taken, and have not left";
  ring_.tell_left(opening_, 3);
  guest.push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(take(ring_).size(), 2u);
}

TEST_F(ShmRingTest, OfASmallRingWhatTheNodeTookIsFreeAgainAtTheNextLook) {
  ShmGuest& guest = join();
  Pvec v;
  v.push_back(packet(*made_, "p"));
  guest.push(opening_, v);
  EXPECT_EQ(take(ring_).size(), 1u);
  EXPECT_EQ(made_->in_use(), 1u);
  take(guest);
  EXPECT_EQ(made_->in_use(), 0u);
}

TEST_F(ShmRingTest, ADescriptorIsThereWhenItsTurnHasComeAndNotBefore) {
  describe(1, first(), 1, false);
  EXPECT_FALSE(ring_.offers());
  EXPECT_TRUE(take(ring_).empty());
  describe(kEntries, first(), 1, false);  // of the next lap, in the first one's place
  EXPECT_FALSE(ring_.offers());
  describe(0, first(), 1, false);
  EXPECT_TRUE(ring_.offers());
  EXPECT_EQ(take(ring_).size(), 2u);
  EXPECT_EQ(ring_.faults(), 0u);
}

TEST_F(ShmRingTest, APacketWithoutAnEndIsAFaultAndTheNextOneComes) {
  describe(0, first(), 1, true);
  describe(1, first(), 1, true);
  EXPECT_TRUE(take(ring_).empty());
  EXPECT_EQ(ring_.faults(), 1u);
  describe(2, first(), 1, false);
  EXPECT_EQ(take(ring_).size(), 1u);
}

TEST_F(ShmRingTest, APacketThatGoesOnForeverIsLookedAtForOneLap) {
  for (uint32_t i = 0; i < kEntries; ++i) describe(i, first(), 1, true);
  EXPECT_TRUE(take(ring_).empty());
  EXPECT_EQ(ring_.faults(), 1u);
  EXPECT_FALSE(ring_.offers());
}

TEST_F(ShmRingTest, WhatLiesOutsideThePacketsIsAFault) {
  const auto end = uint32_t(layout().packets() + layout().memory);
  describe(0, first() - 1, 1, false);
  describe(1, end - 1, 2, false);
  describe(2, UINT32_MAX, 1, false);
  describe(3, first(), uint32_t(ShmRing::kMaxLength) + 1, false);
  describe(4, end - 1, 1, false);
  EXPECT_EQ(take(ring_).size(), 1u);
  EXPECT_EQ(ring_.faults(), 4u);
}

TEST_F(ShmRingTest, BuffersBeyondBeliefAreNone) {
  memory_.control().fill_lent.store(kEntries + 1);
  Pvec v;
  v.push_back(packet(*pool_, "p"));
  ring_.push(opening_, v);
  EXPECT_EQ(v.size(), 1u);
  EXPECT_GT(ring_.faults(), 0u);
  v.clear();
}

TEST_F(ShmRingTest, BuffersOutsideThePacketsAreFaults) {
  memory_.fill_offsets()[0] = first() - 1;
  memory_.fill_offsets()[1] = uint32_t(layout().packets() + layout().memory) - ShmLayout::kBuffer + 1;
  memory_.fill_offsets()[2] = first();
  memory_.control().fill_lent.store(3);
  Pvec v;
  v.push_back(packet(*pool_, "p"));
  v.push_back(packet(*pool_, "q"));
  ring_.push(opening_, v);
  EXPECT_EQ(v.size(), 1u);
  EXPECT_EQ(ring_.faults(), 2u);
  EXPECT_EQ(memory_.base()[first()], 'p');
  v.clear();
}

}  // namespace
}  // namespace weft
