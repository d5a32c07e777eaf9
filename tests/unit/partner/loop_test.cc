// SPDX-License-Identifier: Apache-2.0
#include "partner/loop.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "partner/pool.h"
#include "paths/policy_round_robin.h"
#include "paths/worker.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

// Takes at most `appetite` packets of each push, and remembers their numbers.
class Taker final : public Partner {
 public:
  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
  void close(Opening) override {}
  void push(Opening, Pvec& v) override {
    for (size_t n = 0; n < appetite && !v.empty(); ++n) {
      PacketPtr p = v.pop_front();
      seen.push_back(p->data[0]);
      if (answer_to != nullptr) {
        Pvec back;
        back.push_back(std::move(p));
        answer_to->push(answer_at, back);
        EXPECT_TRUE(back.empty());
      }
    }
  }
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request&) override { return Error{Code::kUnsupported, "no"}; }

  size_t appetite = 64;
  std::vector<int> seen;
  Partner* answer_to = nullptr;
  Opening answer_at;
};

class LoopTest : public ::testing::Test {
 protected:
  void TearDown() override {
    out_.clear();
    if (loop_) {
      for (Opening o : {a_, b_}) {
        if (loop_->control(o, InfoRequest{})) loop_->close(o);
      }
    }
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  void make(const LineOptions& line, Partner* peer_of_b = nullptr) {
    loop_ = *LoopPartner::create({.line = line}, clock_);
    a_ = *loop_->open("a", nullptr, {});
    b_ = *loop_->open("b", peer_of_b, {});
  }
  void fill(Pvec& v, size_t n, uint32_t bytes = 60) {
    for (size_t i = 0; i < n; ++i) {
      PacketPtr p = pool_->alloc();
      p->length = bytes;
      p->data[0] = uint8_t(next_++);
      v.push_back(std::move(p));
    }
  }
  size_t send(size_t n, uint32_t bytes = 60) {
    Pvec v;
    fill(v, n, bytes);
    loop_->push(a_, v);
    const size_t taken = n - v.size();
    v.clear();
    return taken;
  }
  // The numbers of what has arrived at b.
  std::vector<int> arrived(size_t max = 64) {
    loop_->pull(b_, out_, max);
    std::vector<int> numbers;
    for (const Packet* p : out_) numbers.push_back(p->data[0]);
    out_.clear();
    return numbers;
  }
  const PartnerStats& stats_of(Opening o) { return **stats(*loop_, o); }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 4096, .pages = PageKind::k4K});
  ManualClock clock_;
  std::unique_ptr<LoopPartner> loop_;
  Opening a_, b_;
  Pvec out_;
  int next_ = 0;
};

TEST_F(LoopTest, CarriesWholePvecsBothWays) {
  make({});
  Pvec v;
  fill(v, 3);
  Packet* first = v[0];
  first->flags |= Packet::kOrigin;
  first->in_port = 4;
  loop_->push(a_, v);
  EXPECT_TRUE(v.empty());
  loop_->pull(b_, v, 64);
  ASSERT_EQ(v.size(), 3u);
  EXPECT_EQ(v[0], first) << "the packet itself, not a copy";
  EXPECT_EQ(first->flags & Packet::kOrigin, 0);
  EXPECT_EQ(first->in_port, Packet::kNoPort);
  loop_->push(b_, v);
  loop_->pull(a_, v, 2);
  EXPECT_EQ(v.size(), 2u);
  v.clear();
  EXPECT_EQ(stats_of(a_).tx_packets.value(), 3u);
  EXPECT_EQ(stats_of(a_).tx_bytes.value(), 180u);
  EXPECT_EQ(stats_of(b_).rx_packets.value(), 3u);
  EXPECT_EQ(stats_of(a_).rx_packets.value(), 2u);
  EXPECT_EQ(pool_->bytes_copied(), 0u);
}

TEST_F(LoopTest, FullQueueRefusesAndKeepsTheRest) {
  make({.queue = 10});
  EXPECT_EQ(send(8), 8u);
  EXPECT_EQ(send(8), 2u);
  EXPECT_EQ(send(1), 0u);
  EXPECT_EQ(stats_of(a_).refused.value(), 7u);
  EXPECT_EQ(arrived(), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(LoopTest, PushesOnToThePeerAndKeepsWhatItRefuses) {
  Taker peer;
  make({}, &peer);
  EXPECT_EQ(send(3), 3u);
  EXPECT_EQ(peer.seen, (std::vector<int>{0, 1, 2}));
  peer.appetite = 1;
  EXPECT_EQ(send(3), 3u);
  EXPECT_EQ(peer.seen, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(arrived(), (std::vector<int>{4, 5}));
  EXPECT_EQ(stats_of(b_).rx_packets.value(), 6u);
  EXPECT_EQ(stats_of(b_).rx_bytes.value(), 360u);
}

// Two ends whose peers answer at once: the stack must not grow with the traffic.
TEST_F(LoopTest, PeersThatAnswerAtOnceDoNotRecurse) {
  Taker peer_a, peer_b;
  loop_ = *LoopPartner::create({}, clock_);
  a_ = *loop_->open("", &peer_a, {});
  b_ = *loop_->open("", &peer_b, {});
  peer_a.answer_to = peer_b.answer_to = loop_.get();
  peer_a.answer_at = a_;
  peer_b.answer_at = b_;
  EXPECT_EQ(send(5), 5u);
  EXPECT_LE(peer_a.seen.size() + peer_b.seen.size(), 20u);
}

TEST_F(LoopTest, DelaysByTheClock) {
  make({.delay_ns = 1000});
  send(1);
  clock_.advance_ns(500);
  send(1);
  EXPECT_TRUE(arrived().empty());
  clock_.advance_ns(500);
  EXPECT_EQ(arrived(), (std::vector<int>{0}));
  clock_.advance_ns(499);
  EXPECT_TRUE(arrived().empty());
  clock_.advance_ns(1);
  EXPECT_EQ(arrived(), (std::vector<int>{1}));
}

TEST_F(LoopTest, SendsAtTheRate) {
  make({.rate = 1'000'000'000});  // 1000 bytes take 8 us
  send(3, 1000);
  for (int i = 0; i < 3; ++i) {
    clock_.advance_ns(7999);
    EXPECT_TRUE(arrived().empty());
    clock_.advance_ns(1);
    EXPECT_EQ(arrived(), (std::vector<int>{i}));
  }
}

TEST_F(LoopTest, RateLosesNoFractionOfANanosecond) {
  make({.rate = 3'000'000'000});  // 1 byte takes 2.67 ns
  for (int i = 0; i < 5; ++i) send(60, 1);
  clock_.advance_ns(799);
  size_t n = 0;
  for (int i = 0; i < 5; ++i) n += arrived().size();
  EXPECT_EQ(n, 299u);
  clock_.advance_ns(1);
  EXPECT_EQ(arrived().size(), 1u);
}

TEST_F(LoopTest, LosesAboutTheShareAskedForAndCountsIt) {
  make({.loss = 0.25});
  size_t got = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(send(40), 40u);
    got += arrived().size();
  }
  const uint64_t lost = stats_of(a_).drops[DropReason::kEmulatedLoss];
  EXPECT_EQ(got + lost, 4000u);
  EXPECT_EQ(stats_of(a_).tx_packets.value(), got);
  EXPECT_NEAR(double(lost), 1000.0, 100.0);
}

TEST_F(LoopTest, ReordersOnlySomeAndLosesNone) {
  make({.delay_ns = 1000, .reorder = 0.1});
  size_t early = 0, late = 0;
  for (int i = 0; i < 20; ++i) {
    send(50);
    early += arrived().size();
    clock_.advance_ns(1000);
    late += arrived().size();
  }
  EXPECT_EQ(early + late, 1000u);
  EXPECT_NEAR(double(early), 100.0, 40.0);
}

TEST_F(LoopTest, JitterStaysWithinItsBounds) {
  make({.delay_ns = 1000, .jitter_ns = 400});
  send(64);
  clock_.advance_ns(599);
  EXPECT_TRUE(arrived().empty());
  clock_.advance_ns(401);
  const auto some = arrived();
  EXPECT_GT(some.size(), 0u);
  EXPECT_LT(some.size(), 64u);
  EXPECT_FALSE(std::is_sorted(some.begin(), some.end()));
  clock_.advance_ns(400);
  EXPECT_EQ(some.size() + arrived().size(), 64u);
}

TEST_F(LoopTest, TheSameSeedGivesTheSameWire) {
  std::vector<std::vector<int>> runs;
  for (int run = 0; run < 2; ++run) {
    next_ = 0;
    make({.delay_ns = 1000, .jitter_ns = 900, .loss = 0.2, .reorder = 0.2, .rate = 10'000'000'000});
    std::vector<int> all;
    for (int i = 0; i < 20; ++i) {
      send(10);
      clock_.advance_ns(700);
      for (int n : arrived()) all.push_back(n);
    }
    runs.push_back(all);
    loop_->close(a_);
    loop_->close(b_);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_GT(runs[0].size(), 100u);
}

TEST_F(LoopTest, AClosedEndLosesWhatIsSentToIt) {
  make({});
  send(2);
  loop_->close(b_);
  EXPECT_EQ(pool_->in_use(), 0u);
  EXPECT_EQ(send(3), 3u);
  EXPECT_EQ(stats_of(a_).drops[DropReason::kPartnerDown], 3u);
  EXPECT_FALSE(info(*loop_, a_)->up);
  EXPECT_FALSE(loop_->control(b_, InfoRequest{}));
  b_ = *loop_->open("", nullptr, {});
  EXPECT_EQ(b_.id, 1u);
  EXPECT_TRUE(info(*loop_, a_)->up);
  EXPECT_EQ(send(1), 1u);
  EXPECT_EQ(arrived().size(), 1u);
}

TEST_F(LoopTest, SaysWhatIsWrong) {
  make({});
  EXPECT_EQ(loop_->open("a", nullptr, {}).error().sentence, "loop: end a is in use");
  EXPECT_EQ(loop_->open("", nullptr, {}).error().sentence, "loop: both ends are in use");
  EXPECT_EQ(loop_->open("c", nullptr, {}).error().sentence, "loop: an end is 'a' or 'b', not 'c'");
  EXPECT_EQ(loop_->control(a_, TextRequest{"x"}).error().code, Code::kUnsupported);
  const auto refused = [&](const LineOptions& line) {
    auto made = LoopPartner::create({.name = "w", .line = line}, clock_);
    return made ? std::string("accepted") : made.error().sentence;
  };
  EXPECT_EQ(refused({.queue = 0}), "w: queue must be 1 to 1048576 packets");
  EXPECT_EQ(refused({.delay_ns = 5, .jitter_ns = 6}), "w: jitter must not be larger than delay");
  EXPECT_EQ(refused({.loss = 1.5}), "w: loss must be a probability from 0 to 1");
  EXPECT_EQ(refused({.loss = std::nan("")}), "w: loss must be a probability from 0 to 1");
  EXPECT_EQ(refused({.reorder = 0.5}), "w: reorder needs a delay to overtake in");
}

// --- what a worker sleeps on ---

bool readable(LoopPartner& loop, Opening end) {
  pollfd p{.fd = info(loop, end)->poll_fd, .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, 0) == 1;
}

TEST_F(LoopTest, CallsForAPullWhenSomethingHasArrived) {
  make({});
  EXPECT_FALSE(readable(*loop_, b_));
  send(1);
  EXPECT_TRUE(readable(*loop_, b_));
  EXPECT_FALSE(readable(*loop_, a_)) << "nothing came this way";
  EXPECT_EQ(arrived().size(), 1u);
  EXPECT_TRUE(arrived().empty());
  EXPECT_FALSE(readable(*loop_, b_));
  send(1);
  EXPECT_EQ(arrived().size(), 1u);
  send(1);  // before a pull that gave nothing
  EXPECT_TRUE(readable(*loop_, b_));
  loop_->close(b_);
  b_ = *loop_->open("b", nullptr, {});
  EXPECT_FALSE(readable(*loop_, b_));
}

TEST_F(LoopTest, CallsForAPullWhenItIsDueAndNotBefore) {
  SystemClock real;
  loop_ = *LoopPartner::create({.line = {.delay_ns = 20'000'000}}, real);
  a_ = *loop_->open("a", nullptr, {});
  b_ = *loop_->open("b", nullptr, {});
  const uint64_t sent_at = real.now_ns();
  send(1);
  EXPECT_TRUE(!readable(*loop_, b_) || real.now_ns() - sent_at >= 20'000'000);
  pollfd p{.fd = info(*loop_, b_)->poll_fd, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&p, 1, 10'000), 1);
  EXPECT_GE(real.now_ns() - sent_at, 20'000'000u);
  EXPECT_EQ(arrived().size(), 1u);
}

// Found in a node with a wire: the worker looked after it each millisecond.
TEST_F(LoopTest, TheWorkerSleepsWhileNothingIsOnTheWay) {
  using std::chrono::milliseconds;
  SystemClock real;
  test::TestPartner out;
  loop_ = *LoopPartner::create({.line = {.delay_ns = 5'000'000}}, real);
  a_ = *loop_->open("a", nullptr, {});
  b_ = *loop_->open("b", nullptr, {});
  Worker worker({}, real, std::make_unique<RoundRobin>());
  worker.add_joint({loop_.get(), b_, &out, Opening{0}, info(*loop_, b_)->poll_fd});
  worker.start();
  for (int i = 0; i < 500 && worker.sleeps() == 0; ++i) std::this_thread::sleep_for(milliseconds(1));
  ASSERT_GT(worker.sleeps(), 0u);
  const uint64_t before = worker.sleeps();
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_LT(worker.sleeps() - before, 3u);

  // Nothing else wakes it when a frame is due.
  const Counter& given = (*stats(*loop_, b_))->rx_packets;
  for (size_t n = 1; n <= 3; ++n) {
    worker.call([&] { send(1); });
    for (int i = 0; i < 5000 && given.value() < n; ++i) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(given.value(), n);
  }
  worker.stop();
  out.lose_all();
}

TEST_F(LoopTest, AllocatesNothing) {
  make({.delay_ns = 1000, .jitter_ns = 500, .loss = 0.1, .reorder = 0.1, .rate = 10'000'000'000});
  Pvec v;
  const uint64_t before = weft::testing::allocations();
  for (int i = 0; i < 100; ++i) {
    fill(v, 32);
    loop_->push(a_, v);
    clock_.advance_ns(500);
    loop_->pull(b_, v, v.room());
    v.clear();
  }
  EXPECT_EQ(weft::testing::allocations(), before);
}

}  // namespace
}  // namespace weft
