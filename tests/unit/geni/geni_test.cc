// SPDX-License-Identifier: Apache-2.0
#include "geni/geni.h"

#include <gtest/gtest.h>

#include "paths/policy_round_robin.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

// Reads nothing from packets: every one belongs to its port.
class NoFields final : public FieldReader {
 public:
  void read(Link, Packet&, PacketFields& fields) const override { fields = {}; }
  void glance(Link, const Pvec& v, const Transit& transit, Glance* glances) const override {
    for (Packet* const p : v) p->in_port = transit.in_port;
    std::fill_n(glances, v.size(), Glance{});
  }
};

class Pass final : public Stage {
 public:
  void deliver(Dir dir, Pvec& v) override { hand_on(dir, v); }
};

class PassModule final : public Module {
 public:
  explicit PassModule(std::string name, std::optional<Link> link = std::nullopt)
      : name_(std::move(name)), link_(link) {}
  std::string_view name() const override { return name_; }
  std::optional<Link> link() const override { return link_; }
  std::span<const std::string_view> attributes() const override {
    static constexpr std::string_view kNames[] = {"colour"};
    return kNames;
  }
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override {
    if (const Attribute* a = context.side.find("colour"); a != nullptr && a->value == "none") {
      return context.attribute_error(*a, "there is no such colour");
    }
    return std::unique_ptr<Stage>(std::make_unique<Pass>());
  }
  Result<void> refine(const StageContext&, DemuxKey&) override { return {}; }

 private:
  std::string name_;
  std::optional<Link> link_;
};

class SeeAll final : public Transform {
 public:
  const char* name() const override { return "see-all"; }
  bool guard(const Path& path) const override { return path.spec().cut() && !path.tapped(); }
  void rewrite(Path&) override { ++rewrites; }
  void undo(Path&) override { ++undos; }
  int rewrites = 0, undos = 0;
};

class NullTap final : public Tap {
 public:
  void see(size_t, Dir, const Pvec& v) override { seen += v.size(); }
  size_t seen = 0;
};

class GeniTest : public ::testing::Test {
 protected:
  GeniTest() {
    EXPECT_TRUE(geni_.add_port("a", a_, Opening{0}));
    EXPECT_TRUE(geni_.add_port("b", b_, Opening{0}));
  }
  void TearDown() override {
    for (test::TestPartner* p : {&a_, &b_, &app_}) p->lose_all();
  }
  PacketPtr packet(std::string_view bytes) { return test::packet(*pool_, bytes); }
  void rounds() {
    while (worker_.round() > 0) {
    }
  }
  std::string error(std::string_view text) {
    auto opened = geni_.open(text, nullptr, kNoOpening);
    return opened ? "opened" : opened.error().sentence;
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 1024, .pages = PageKind::k4K});
  SystemClock clock_;
  NoFields no_fields_;
  Fib fib_;
  Demux demux_{fib_, no_fields_, *pool_};
  test::TestPartner a_{{.link = Link::kRaw}}, b_{{.link = Link::kEthernet}}, app_;
  PassModule up_{"up"}, frame_{"frame", Link::kEthernet};
  SeeAll see_all_;
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  Geni geni_{worker_, demux_, {&up_, &frame_}, {&see_all_}};
};

TEST_F(GeniTest, PacketsOfAPortReachItsPathAndTheOtherDevice) {
  ASSERT_TRUE(geni_.open("a -> b", nullptr, kNoOpening));
  for (int i = 0; i < 100; ++i) a_.will_give(packet("p"));
  rounds();
  EXPECT_EQ(b_.taken().size(), 100u);
}

TEST_F(GeniTest, AnOpenerIsThePartnerOfTheFarEnd) {
  auto opening = geni_.open("a/up", &app_, Opening{0});
  ASSERT_TRUE(opening);
  a_.will_give(packet("in"));
  rounds();
  ASSERT_EQ(app_.taken().size(), 1u);
  Pvec v;
  v.push_back(packet("out"));
  geni_.push(*opening, v);
  EXPECT_TRUE(v.empty());
  rounds();
  EXPECT_EQ(test::bytes_of(*a_.taken().at(0)), "out");
}

TEST_F(GeniTest, AnOpenerWithoutAPartnerPulls) {
  auto opening = geni_.open("a/up", nullptr, kNoOpening);
  a_.will_give(packet("in"));
  rounds();
  Pvec v;
  geni_.pull(*opening, v, 64);
  EXPECT_EQ(v.size(), 1u);
  v.clear();
}

TEST_F(GeniTest, WhatAClosedPathCarriedStaysInTheBooks) {
  auto opening = geni_.open("a/up", &app_, Opening{0});
  app_.room = 1;
  for (int i = 0; i < 3; ++i) a_.will_give(packet("in"));
  rounds();
  const PathTotals open = geni_.totals();
  EXPECT_EQ(open.in, 3u);
  EXPECT_EQ(open.out + open.held, 3u);
  geni_.close(*opening);
  const PathTotals closed = geni_.totals();
  EXPECT_EQ(closed.in, 3u);
  EXPECT_EQ(closed.out, open.out);
  EXPECT_EQ(closed.dropped, open.held);
  EXPECT_EQ(closed.held, 0u);
  EXPECT_TRUE(closed.conserved());
}

TEST_F(GeniTest, TheLinkModuleIsPutUnderTheChain) {
  auto opening = geni_.open("b/up", &app_, Opening{0});
  ASSERT_TRUE(opening);
  const Path& path = *geni_.path(*opening);
  ASSERT_EQ(path.stages().size(), 2u);
  EXPECT_EQ(path.stages()[0]->name, "frame");
  EXPECT_EQ(path.text(), "b/up");
  auto cut = geni_.open("a/up -> b", nullptr, kNoOpening);
  ASSERT_TRUE(cut) << cut.error().sentence;
  ASSERT_EQ(geni_.path(*cut)->stages().size(), 2u);
  EXPECT_EQ(geni_.path(*cut)->stages()[1]->name, "frame");
}

TEST_F(GeniTest, ErrorsPointAtTheColumnAndSayWhatWasMeant) {
  EXPECT_EQ(error("c/up"), "c/up: column 1: no partner 'c'");
  EXPECT_EQ(error("a/upp"), "a/upp: column 3: no module 'upp', did you mean 'up'?");
  EXPECT_EQ(error("a/up (color=red)"),
            "a/up (color=red): column 7: no module of this chain reads 'color', did you mean 'colour'?");
  EXPECT_EQ(error("a/up (colour=none)"), "a/up (colour=none): column 7: there is no such colour");
}

TEST_F(GeniTest, AFailedOpenLeavesNothing) {
  ASSERT_TRUE(geni_.open("a", &app_, Opening{0}));
  EXPECT_FALSE(geni_.open("a", &app_, Opening{0}));  // the same packets
  int paths = 0;
  geni_.for_each_path([&](Opening, Path&) { ++paths; });
  EXPECT_EQ(paths, 1);
}

TEST_F(GeniTest, CloseGivesEverythingBack) {
  auto opening = geni_.open("a/up", nullptr, kNoOpening);
  for (int i = 0; i < 10; ++i) a_.will_give(packet("in"));
  worker_.round();
  EXPECT_EQ(pool_->in_use(), 10u);
  geni_.close(*opening);
  EXPECT_EQ(pool_->in_use(), 0u);
  EXPECT_EQ(geni_.path(*opening), nullptr);
}

TEST_F(GeniTest, AsManyPathsAsThereAreNumbers) {
  const PathOptions options{.queues = {{.packets = 1}, {.packets = 1}}, .receives = false};
  const auto open = [&] { return geni_.open_path("a", nullptr, kNoOpening, options); };
  std::vector<Opening> all;
  for (int i = 0; i < 65535; ++i) {
    auto opening = open();
    ASSERT_TRUE(opening) << i << ": " << opening.error().sentence;
    all.push_back(*opening);
  }
  EXPECT_EQ(open().error().code, Code::kLimit);
  for (const size_t i : {100u, 7u}) geni_.close(all[i]);
  for (const size_t i : {7u, 100u}) {
    auto again = open();
    ASSERT_TRUE(again);
    EXPECT_EQ(uint16_t(again->id), uint16_t(all[i].id));
    EXPECT_NE(*again, all[i]);
  }
  EXPECT_EQ(open().error().code, Code::kLimit);
}

TEST_F(GeniTest, AStaleOpeningReachesNoOtherPath) {
  auto first = geni_.open("a/up", nullptr, kNoOpening);
  geni_.close(*first);
  auto second = geni_.open("a/up", nullptr, kNoOpening);
  ASSERT_TRUE(second);
  Pvec v;
  v.push_back(packet("out"));
  geni_.push(*first, v);
  EXPECT_EQ(v.size(), 1u);
  v.clear();
  EXPECT_EQ(geni_.control(*first, InfoRequest{}).error().code, Code::kDead);
}

TEST_F(GeniTest, ATapUndoesTheTransformAndGivesItBack) {
  auto opening = geni_.open("a -> b", nullptr, kNoOpening);
  EXPECT_EQ(geni_.transform_of(*opening), &see_all_);
  EXPECT_EQ(info(geni_, *opening)->mode, "see-all");
  NullTap tap;
  geni_.set_tap(*opening, &tap);
  EXPECT_EQ(geni_.transform_of(*opening), nullptr);
  a_.will_give(packet("p"));
  rounds();
  EXPECT_EQ(tap.seen, 1u);
  geni_.set_tap(*opening, nullptr);
  EXPECT_EQ(see_all_.rewrites, 2);
  EXPECT_EQ(see_all_.undos, 1);
}

TEST_F(GeniTest, PortNamesAreNamesAndUnique) {
  EXPECT_EQ(geni_.add_port("a", a_, Opening{0}).error().code, Code::kExists);
  EXPECT_EQ(geni_.add_port("a/b", a_, Opening{0}).error().code, Code::kInvalid);
  EXPECT_EQ(geni_.add_port("", a_, Opening{0}).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace weft
