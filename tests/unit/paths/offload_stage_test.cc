// SPDX-License-Identifier: Apache-2.0
#include "paths/offload_stage.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "tests/unit/testing/path_between.h"

namespace weft {
namespace {

constexpr uint32_t kIp = 20, kTcp = 20, kPayload = 1500;
constexpr uint16_t kSegment = 600;

// Whether the checksum of a TCP segment is right, behind the IPv4 header at `ip`.
bool is_right(const uint8_t* ip, const Packet& p) {
  uint8_t l4[kTcp + kPayload];
  const uint32_t n = load_be16(ip + 2) - kIp;
  uint32_t at = 0, skip = uint32_t(ip + kIp > p.data ? ip + kIp - p.data : 0);
  for (const Seg* s = &p; s != nullptr; s = s->next, skip = 0) {
    std::memcpy(l4 + at, s->data + skip, s->length - skip);
    at += s->length - skip;
  }
  if (at != n) return false;
  uint64_t sum = add_checksum(0, ip + 12, 8) + swap_be(uint16_t{6}) + swap_be(uint16_t(n));
  sum += fold(add_checksum(0, l4, n));
  return fold(sum) == 0xffff;
}

class OffloadStageTest : public test::PathBetween {
 protected:
  OffloadStageTest() : PathBetween("a") {
    path_.append("offload", std::make_unique<OffloadStage>(*pool_, Link::kRaw));
  }

  // TCP over IPv4 whose checksum is left to be done; its field has the pseudo header's sum.
  PacketPtr packet(uint16_t segment_size) {
    PacketPtr p = pool_->alloc();
    p->length = kIp + kTcp + kPayload;
    uint8_t* const ip = p->data;
    for (uint32_t i = 0; i < p->length; ++i) ip[i] = uint8_t(i);
    ip[0] = 0x45;
    store_be16(ip + 2, uint16_t(p->length));
    store_be16(ip + 6, 0x4000);
    ip[9] = 6;
    ip[kIp + 12] = 0x50;
    const uint64_t sum =
        add_checksum(0, ip + 12, 8) + swap_be(uint16_t{6}) + swap_be(uint16_t(kTcp + kPayload));
    store(ip + kIp + 16, fold(sum));
    p->flags |= Packet::kOffload;
    p->offload() = {.segment_size = segment_size,
                    .headers_length = kIp + kTcp,
                    .checksum_start = kIp,
                    .checksum_offset = 16,
                    .kind = segment_size != 0 ? Offload::kTcp4 : Offload::kNone};
    return p;
  }
  void in(End end, PacketPtr p) {
    Pvec v;
    v.push_back(std::move(p));
    path_.enqueue(end, v);
    path_.run();
  }
  uint64_t lost(DropReason reason) { return path_.stages()[0]->counters.drops[reason]; }
};

TEST_F(OffloadStageTest, FinishesChecksums) {
  in(End::kNear, packet(0));
  ASSERT_EQ(far_.taken().size(), 1u);
  Packet& p = *far_.taken()[0];
  EXPECT_FALSE(p.flags & Packet::kOffload);
  EXPECT_TRUE(is_right(p.data, p));
}

TEST_F(OffloadStageTest, CutsSuperPackets) {
  in(End::kNear, packet(kSegment));
  ASSERT_EQ(far_.taken().size(), 3u);
  for (const PacketPtr& p : far_.taken()) {
    EXPECT_FALSE(p->flags & Packet::kOffload);
    EXPECT_TRUE(is_right(p->data, *p));
  }
  EXPECT_EQ(far_.taken()[2]->total_length(), kIp + kTcp + kPayload - 2 * kSegment);
  EXPECT_EQ(path_.ledger().made, 2u);
}

// As behind ip, which takes its header off and leaves it in front.
TEST_F(OffloadStageTest, CutsThoseWithoutTheirHeaders) {
  PacketPtr whole = packet(kSegment);
  whole->l3 = uint16_t(whole->data - whole->window());
  whole->l4 = uint16_t(whole->l3 + kIp);
  whole->pop(kIp);
  whole->offload().popped(kIp);
  whole->flags |= Packet::kHeaders;
  in(End::kNear, std::move(whole));
  ASSERT_EQ(far_.taken().size(), 3u);
  for (const PacketPtr& p : far_.taken()) {
    EXPECT_TRUE(p->flags & Packet::kHeaders);
    EXPECT_EQ(p->data - p->network_header(), kIp);
    EXPECT_TRUE(is_right(p->network_header(), *p));
  }
}

TEST_F(OffloadStageTest, LeavesAloneWhatIsFinishedOrGoesDown) {
  PacketPtr finished = packet(0);
  finished->flags &= uint16_t(~Packet::kOffload);
  const uint8_t* const data = finished->data;
  in(End::kNear, std::move(finished));
  ASSERT_EQ(far_.taken().size(), 1u);
  EXPECT_EQ(far_.taken()[0]->data, data);
  EXPECT_FALSE(is_right(data, *far_.taken()[0]));
  in(End::kFar, packet(kSegment));
  ASSERT_EQ(near_.taken().size(), 1u);
  EXPECT_TRUE(near_.taken()[0]->flags & Packet::kOffload);
}

TEST_F(OffloadStageTest, RefusesWhatContradictsItself) {
  PacketPtr lies = packet(kSegment);
  lies->offload().headers_length = kIp + kTcp - 1;
  in(End::kNear, std::move(lies));
  PacketPtr beyond = packet(0);
  beyond->offload().checksum_start = kIp + kTcp + kPayload;
  in(End::kNear, std::move(beyond));
  EXPECT_TRUE(far_.taken().empty());
  EXPECT_EQ(lost(DropReason::kBadLength), 2u);
}

TEST_F(OffloadStageTest, LosesSegmentsThatThePoolHasNoRoomFor) {
  PacketPtr whole = packet(kSegment);
  std::vector<PacketPtr> others;
  while (PacketPtr p = pool_->alloc()) others.push_back(std::move(p));
  others.pop_back();
  others.pop_back();  // a segment takes two: its headers, and a window on the payload
  in(End::kNear, std::move(whole));
  EXPECT_EQ(far_.taken().size(), 1u);
  EXPECT_EQ(lost(DropReason::kPoolExhausted), 2u);
}

}  // namespace
}  // namespace weft
