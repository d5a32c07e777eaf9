// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/ping.h"

#include <gtest/gtest.h>

#include <random>

#include "pan_ee/capsule.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/pan_line.h"

namespace weft::pan {
namespace {

using Reply = Ping::Reply;

class PingTest : public ::testing::Test {
 protected:
  void TearDown() override { line_.expect_balance(); }

  // Sends one from A and runs the nodes until nothing moves.
  void ping(Ping::Request request) {
    ASSERT_TRUE(line_.pan_node(0).ping().send(request, [this](const Reply& r) { replies_.push_back(r); }));
    line_.rounds();
  }
  Reply only() {
    EXPECT_EQ(replies_.size(), 1u);
    return replies_.empty() ? Reply{} : replies_.front();
  }

  // A whole capsule for `code`, as bytes.
  static std::string capsule(const CodeName& code, std::string_view body, uint16_t ttl = 64) {
    std::string bytes(capsule::kHeader, '\0');
    capsule::write(reinterpret_cast<uint8_t*>(bytes.data()),
                   {ttl, uint32_t(capsule::kHeader + body.size()), test::PanLine::address(0), code});
    return bytes.append(body);
  }
  // The body of a ping on its way out.
  static std::string body(const NodeAddress& destination, const NodeAddress& source, size_t payload = 0) {
    std::string b(Ping::kBody + payload, '\0');
    std::memcpy(b.data(), destination.bytes.data(), 16);
    std::memcpy(b.data() + 16, source.bytes.data(), 16);
    return b;
  }
  CodeName code() { return line_.pan_node(0).find_code("ping")->name(); }
  // To a node beyond the right end, so that it crosses the whole line.
  std::string crossing(size_t payload = 0, uint16_t ttl = 64) {
    return capsule(code(), body(test::PanLine::address(3), test::pan_address("10.0.0.200"), payload), ttl);
  }

  test::PanLine line_;
  std::vector<Reply> replies_;
};

TEST_F(PingTest, CrossesTheNodesAndComesBack) {
  ping({.destination = line_.address(2), .sequence = 7});
  EXPECT_EQ(only().status, Reply::kAnswered);
  EXPECT_EQ(only().sequence, 7u);
  EXPECT_EQ(only().hops_out, 2);
  EXPECT_EQ(only().hops_back, 2);
  EXPECT_EQ(only().payload, 56u);
  EXPECT_EQ(line_.stats(1).packets_received, 2u);
  EXPECT_EQ(line_.stats(0).dropped[AN_DROP_CONSUMED], 1u);
}

TEST_F(PingTest, MeasuresTheTimeOfTheWay) {
  ASSERT_TRUE(line_.pan_node(0).ping().send({.destination = line_.address(1)},
                                            [this](const Reply& r) { replies_.push_back(r); }));
  line_.worker.round();
  line_.clock.advance_ns(1234);
  line_.rounds();
  EXPECT_EQ(only().rtt_ns, 1234u);
}

TEST_F(PingTest, ReachesTheNodeItself) {
  ping({.destination = line_.address(0)});
  EXPECT_EQ(only().status, Reply::kAnswered);
  EXPECT_EQ(only().hops_out + only().hops_back, 0);
  EXPECT_EQ(line_.stats(0).packets_sent, 0u);
}

TEST_F(PingTest, CarriesAnyPayloadWithoutCopyingIt) {
  for (size_t payload :
       {size_t{0}, size_t{1}, size_t{1856}, size_t{1857}, size_t{20000}, Ping::kMaxPayload}) {
    replies_.clear();
    const uint64_t copied = line_.pool->bytes_copied();
    ping({.destination = line_.address(2), .payload = payload});
    EXPECT_EQ(only().status, Reply::kAnswered) << payload;
    EXPECT_EQ(only().payload, payload);
    EXPECT_EQ(line_.pool->bytes_copied(), copied) << payload;
  }
  EXPECT_FALSE(line_.pan_node(0).ping().send({.payload = Ping::kMaxPayload + 1}, {}));
  EXPECT_FALSE(line_.pan_node(0).ping().send({.ttl = 0}, {}));
}

// A and C send, B sends twice: four sendings, of which the first leaves the TTL alone.
TEST_F(PingTest, TtlIsLoweredAtEachNode) {
  ping({.destination = line_.address(2), .ttl = 4});
  EXPECT_EQ(only().status, Reply::kAnswered);
  replies_.clear();
  ping({.destination = line_.address(2), .ttl = 3});
  EXPECT_TRUE(replies_.empty());
  EXPECT_EQ(line_.stats(1).dropped[AN_DROP_TTL], 1u);
  line_.clock.advance_ns(1'000'000'001);
  line_.rounds();
  EXPECT_EQ(only().status, Reply::kTimedOut);
}

TEST_F(PingTest, SaysAtOnceThatThereIsNoWay) {
  ping({.destination = test::pan_address("192.0.2.1")});
  EXPECT_EQ(only().status, Reply::kNoRoute);
  EXPECT_EQ(line_.stats(0).dropped[AN_DROP_NO_NEIGHBOUR], 1u);
}

TEST_F(PingTest, TimesOutOnce) {
  ping({.destination = test::pan_address("10.0.0.5"), .timeout_ns = 1000});  // B knows no way
  EXPECT_TRUE(replies_.empty());
  EXPECT_EQ(line_.stats(1).dropped[AN_DROP_NO_NEIGHBOUR], 1u);
  line_.clock.advance_ns(1001);
  line_.rounds();
  EXPECT_EQ(only().status, Reply::kTimedOut);
  EXPECT_EQ(line_.stats(0).events, 0u);
}

TEST_F(PingTest, ALateAnswerIsNobodys) {
  ASSERT_TRUE(line_.pan_node(0).ping().send({.destination = line_.address(1), .timeout_ns = 10},
                                            [this](const Reply& r) { replies_.push_back(r); }));
  line_.worker.round();  // it is on its way
  line_.clock.advance_ns(11);
  line_.rounds();
  EXPECT_EQ(only().status, Reply::kTimedOut);
  EXPECT_EQ(line_.stats(0).dropped[AN_DROP_DISCARD], 1u);
}

TEST_F(PingTest, ManyAtOnceEachGetTheirOwnAnswer) {
  for (uint32_t i = 0; i < 100; ++i) {
    line_.pan_node(0).ping().send({.destination = line_.address(2), .sequence = i, .payload = i},
                                  [this](const Reply& r) { replies_.push_back(r); });
  }
  line_.rounds();
  ASSERT_EQ(replies_.size(), 100u);
  for (const Reply& r : replies_) {
    EXPECT_EQ(r.status, Reply::kAnswered);
    EXPECT_EQ(r.payload, r.sequence);
  }
}

TEST_F(PingTest, ThePlacesToWaitAreBounded) {
  int too_many = 0;
  for (size_t i = 0; i < Ping::kMaxWaiting + 5; ++i) {
    // B loses them, so that all wait.
    line_.pan_node(0).ping().send({.destination = test::pan_address("10.0.0.5")}, [&](const Reply& r) {
      too_many += r.status == Reply::kTooMany;
      replies_.push_back(r);
    });
    if (i % 64 == 0) line_.rounds();
  }
  line_.rounds();
  EXPECT_EQ(too_many, 5);
  line_.clock.advance_ns(2'000'000'000);
  line_.rounds();
  EXPECT_EQ(replies_.size(), Ping::kMaxWaiting + 5);
}

TEST_F(PingTest, WhoWaitsIsToldThatTheNodeStops) {
  ping({.destination = test::pan_address("10.0.0.5")});
  line_.pan_node(0).ping().send({.destination = line_.address(2)},
                                [this](const Reply& r) { replies_.push_back(r); });
  an_domainDestroy(line_.pan_node(0).domain());
  ASSERT_EQ(replies_.size(), 2u);
  for (const Reply& r : replies_) EXPECT_EQ(r.status, Reply::kStopped);
  EXPECT_FALSE(line_.pan_node(0).ping().send({.destination = line_.address(2)}, {}));
  EXPECT_EQ(line_.pan_node(0).domain(), nullptr);
}

TEST_F(PingTest, AnEmptyPoolIsSaidAndForwardingNeedsNone) {
  std::vector<PacketPtr> hoard;
  while (line_.pool->available() > 1) hoard.push_back(line_.pool->alloc());
  PacketPtr last = test::packet(*line_.pool, crossing());
  ping({.destination = line_.address(2)});
  EXPECT_EQ(only().status, Reply::kNoPacket);
  line_.inject(std::move(last));
  line_.rounds();
  EXPECT_EQ(line_.output(line_.right_end).size(), 1u);
  hoard.clear();
}

// --- capsules from outside ---------------------------------------------------

TEST_F(PingTest, OnTheWayOnlyTtlAndHopsChange) {
  const std::string sent = crossing(300, 9);
  line_.inject(sent);
  line_.rounds();
  const auto out = line_.output(line_.right_end);
  ASSERT_EQ(out.size(), 1u);
  std::string expected = sent;
  expected[capsule::kTtl + 1] = 9 - 3;
  expected[capsule::kHeader + 35] = 3;
  EXPECT_EQ(out[0], expected);
}

TEST_F(PingTest, PaddingBehindACapsuleIsCutOff) {
  line_.inject(crossing() + std::string(20, 'p'));
  line_.rounds();
  const auto out = line_.output(line_.right_end);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].size(), crossing().size());
}

TEST_F(PingTest, SharedBytesAreCopiedBeforeTheyAreRewritten) {
  PacketPtr original = test::packet(*line_.pool, crossing(500));
  const std::string before = test::bytes_of(*original);
  const uint64_t copied = line_.pool->bytes_copied();
  line_.inject(line_.pool->clone(*original));
  line_.rounds();
  EXPECT_EQ(test::bytes_of(*original), before);
  EXPECT_EQ(line_.pool->bytes_copied() - copied, capsule::kHeader + Ping::kBody);  // not the payload
  EXPECT_EQ(line_.output(line_.right_end).size(), 1u);
}

TEST_F(PingTest, HostileCapsulesAreCountedByReason) {
  const std::string good = crossing();
  const auto with = [&](size_t at, char value) {
    std::string bad = good;
    bad[at] = value;
    return bad;
  };
  uint64_t malformed = 0;
  for (const std::string& bad :
       {good.substr(0, 63), good.substr(0, 1), with(0, 2), with(0, 0), with(1, 1), with(4, 1), with(7, 63),
        with(7, char(good.size() + 1)), with(24, 0), with(24, 4), with(24, 2), with(57, 1), with(63, 1),
        capsule(code(), std::string(Ping::kBody - 1, '\0')), capsule(code(), ""),
        with(capsule::kHeader + 32, 2), with(capsule::kHeader + 33, 1), with(capsule::kHeader + 38, 1)}) {
    line_.inject(bad);
    line_.rounds();
    EXPECT_EQ(line_.stats(0).dropped[AN_DROP_MALFORMED], ++malformed) << "capsule " << malformed;
  }
  line_.inject(crossing(0, 0));
  line_.inject(crossing(0, 1));
  line_.inject(capsule(name_of("something else"), ""));
  line_.rounds();
  const an_DomainStats s = line_.stats(0);
  EXPECT_EQ(s.dropped[AN_DROP_TTL], 2u);
  EXPECT_EQ(s.dropped[AN_DROP_CODE_UNKNOWN], 1u);
  EXPECT_EQ(s.packets_sent, 0u);
  line_.inject(good);  // it goes on
  line_.rounds();
  EXPECT_EQ(line_.output(line_.right_end).size(), 1u);
}

TEST_F(PingTest, AForgedAnswerReachesNobody) {
  ping({.destination = test::pan_address("10.0.0.5"), .sequence = 1});  // waits
  for (int place = 0; place < 256; ++place) {
    std::string forged = body(test::pan_address("10.0.0.5"), line_.address(0), 56);
    forged[32] = 1;
    forged[43] = 1;
    forged[51] = char(place);
    line_.inject(capsule(code(), forged));
    line_.rounds();
  }
  EXPECT_TRUE(replies_.empty());
  EXPECT_EQ(line_.stats(0).dropped[AN_DROP_DISCARD], 256u);
  line_.clock.advance_ns(2'000'000'000);
  line_.rounds();
  EXPECT_EQ(only().status, Reply::kTimedOut);
}

// A route that leads back and forth ends with the TTL.
TEST_F(PingTest, ALoopOfRoutesEnds) {
  line_.inject(capsule(code(), body(test::pan_address("10.0.0.66"), test::pan_address("10.0.0.200")), 200));
  line_.rounds();  // A -> B (10.0.0.64/26) -> C (default) -> B -> ...
  uint64_t lost = line_.stats(1).dropped[AN_DROP_TTL] + line_.stats(2).dropped[AN_DROP_TTL];
  EXPECT_EQ(lost, 1u);
  EXPECT_EQ(line_.stats(0).packets_sent + line_.stats(1).packets_sent + line_.stats(2).packets_sent, 199u);
}

TEST_F(PingTest, RandomCapsulesNeverBreakTheBalance) {
  std::mt19937 random(20);
  const std::string good = crossing(40);
  for (int i = 0; i < 20000; ++i) {
    std::string c = good.substr(0, random() % 8 == 0 ? random() % (good.size() + 1) : good.size());
    for (unsigned flips = random() % 4; flips > 0 && !c.empty(); --flips)
      c[random() % c.size()] = char(random());
    if (c.empty() || (c[0] & 0xf0) != 0) continue;  // another path's
    line_.inject(c);
    if (i % 32 == 0) line_.rounds();
    if (i % 512 == 0) line_.lose_output();
  }
  line_.rounds();
  line_.lose_output();
  EXPECT_EQ(line_.pool->in_use(), 0u);
}

TEST_F(PingTest, ForwardingAllocatesAndCopiesNothing) {
  const auto cross = [&](int capsules) {
    Pvec v;
    for (int i = 0; i < capsules; ++i) v.push_back(test::packet(*line_.pool, crossing(64)));
    const uint64_t allocations = testing::allocations();
    const uint64_t copied = line_.pool->bytes_copied();
    line_.wires.front()->push(line_.left_end, v);
    line_.rounds();
    EXPECT_EQ(testing::allocations(), allocations);
    EXPECT_EQ(line_.pool->bytes_copied(), copied);
    EXPECT_EQ(line_.output(line_.right_end).size(), size_t(capsules));
  };
  cross(1);
  cross(64);
}

}  // namespace
}  // namespace weft::pan
