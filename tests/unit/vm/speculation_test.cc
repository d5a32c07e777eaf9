// SPDX-License-Identifier: Apache-2.0
// What a CPU finds that goes on behind a check which did not pass.
#include "vm/speculation.h"

#include <gtest/gtest.h>

#include "tests/unit/vm/guesses.h"
#include "tests/unit/vm/machines.h"
#include "vm/lending.h"

namespace weft::vm::test {
namespace {

TEST(SpeculationTest, MaskIsAllOrNothing) {
  constexpr uint64_t kTop = uint64_t(1) << 63;
  const uint64_t limits[] = {0, 1, 2, 4095, 4096, UINT32_MAX, uint64_t(UINT32_MAX) + 1, kTop - 1};
  const uint64_t values[] = {0,          1,        2,    3,        4095,     4096,           4097,
                             UINT32_MAX, kTop - 1, kTop, kTop + 1, kTop + 5, UINT64_MAX - 1, UINT64_MAX};
  for (uint64_t limit : limits) {
    for (uint64_t value : values) {
      EXPECT_EQ(mask_up_to(value, limit), value <= limit ? UINT64_MAX : 0) << value << " " << limit;
    }
    EXPECT_EQ(mask_up_to(limit, limit), UINT64_MAX);
    EXPECT_EQ(mask_up_to(limit + 1, limit), 0u);
  }
  // Of nothing, nothing: with the limit below zero.
  for (uint64_t value : {uint64_t(0), uint64_t(1), kTop - 1}) EXPECT_EQ(mask_up_to(value, uint64_t(-1)), 0u);
  EXPECT_EQ(bounded(6, 7), 6u);
  EXPECT_EQ(bounded(7, 7), 0u);
  EXPECT_EQ(bounded(0, 0), 0u);
}

#if defined(__x86_64__)

// What helpers were given, though they should not have been called.
struct Seen {
  const uint8_t* data = nullptr;
  size_t size = 0;
  unsigned calls = 0;
} seen;

void see(const uint8_t* data, size_t size) { seen = {data, size, seen.calls + 1}; }

uint64_t see_in(Call&, In in) {
  see(in.data, in.size);
  return 0;
}
uint64_t see_out(Call&, Out out) {
  see(out.data, out.size);
  return 0;
}
uint64_t see_lent_in(Call& call, uint64_t which, uint64_t offset, uint64_t length) {
  const In in = call.lent_readable(which, offset, length);
  if (!call.failed()) see(in.data, in.size);
  return 0;
}
uint64_t see_lent_out(Call& call, uint64_t which, uint64_t offset, uint64_t length) {
  const Out out = call.lent_writable(which, offset, length);
  if (!call.failed()) see(out.data, out.size);
  return 0;
}

class GuessTest : public ::testing::Test {
 protected:
  GuessTest() {
    EXPECT_TRUE(machines_.helpers().add(make_helper<see_in>(40, "see_in")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<see_out>(41, "see_out")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<see_lent_in>(42, "see_lent_in")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<see_lent_out>(43, "see_lent_out")));
    EXPECT_TRUE(add_lending_helpers(machines_.helpers(), 30));
  }

  std::shared_ptr<const Program> link(const Image& image, std::vector<std::string> gates = {}) {
    return *Program::link(image, {machines_.shared_helpers(), std::move(gates)});
  }
  std::unique_ptr<Instance> instance(std::shared_ptr<const Program> program) {
    return *Instance::create(machines_.space(), std::move(program), nullptr, {});
  }

  // The helper is called with what is good, and then as if with what is bad.
  void mislead(Instance& called, const Arguments& good, const Arguments& bad) {
    const Instance::Entry entry = *called.entry("");
    Outcome outcome;
    const auto run = [&](const Arguments& arguments) {
      return [&] { outcome = called.call(entry, arguments, 1'000'000); };
    };
    run(good)();  // what is done once is done
    guesses_.learn(run(good));
    ASSERT_EQ(outcome.fault, Fault::kNone);
    seen = {};
    EXPECT_EQ(guesses_.mislead(run(good)), 0u);
    EXPECT_EQ(seen.calls, 1u);
    EXPECT_EQ(seen.size, 8u);
    seen = {};
    EXPECT_GT(guesses_.mislead(run(bad)), 0u);
    EXPECT_EQ(seen.calls, 1u) << "the check was not guessed wrong: this test shows nothing";
  }

  Machines machines_;
  Guesses guesses_;
};

TEST_F(GuessTest, AHelpersRangeIsTheStartOfTheArenaAndNothingLong) {
  constexpr uint64_t kLong = uint64_t(1) << 47;
  for (const char* helper : {"40", "41"}) {
    auto called = instance(link(image(std::string("call helper ") + helper + "; exit")));
    for (const Arguments& bad :
         {Arguments{.r1 = kWindow, .r2 = kLong}, Arguments{.r1 = kWindow, .r2 = UINT64_MAX},
          Arguments{.r1 = kWindow, .r2 = 1 << 20}, Arguments{.r1 = 0, .r2 = 8},
          Arguments{.r1 = kHeap + 5, .r2 = 8}, Arguments{.r1 = UINT32_MAX, .r2 = kLong}}) {
      SCOPED_TRACE(std::to_string(bad.r1) + " " + std::to_string(bad.r2));
      mislead(*called, {.r1 = kWindow, .r2 = 8}, bad);
      EXPECT_EQ(seen.data, called->arena().base());
      EXPECT_EQ(seen.size, 0u);
    }
  }
}

TEST_F(GuessTest, ALentRangeIsTheStartOfTheArenaAndNothingLong) {
  for (const char* helper : {"42", "43"}) {
    auto callee = instance(link(image(std::string("call helper ") + helper + "; exit")));
    // Lends its window, and passes on what it was given.
    auto caller = instance(
        link(image("r6 = r1; r7 = r2; r8 = r3; r1 = 1; r2 = 0x14200; r3 = 64; r4 = 1; call helper 30;"
                   "r1 = r6; r2 = r7; r3 = r8; call helper 4096; exit"),
             {"callee"}));
    ASSERT_TRUE(caller->bind_gate(0, *callee->entry("")));
    for (const Arguments& bad : {Arguments{1, 8, 1 << 20}, Arguments{1, 8, uint64_t(1) << 47},
                                 Arguments{1, uint64_t(1) << 40, 8}, Arguments{1, 60, 8}}) {
      SCOPED_TRACE(std::to_string(bad.r2) + " " + std::to_string(bad.r3));
      mislead(*caller, {1, 8, 8}, bad);
      EXPECT_EQ(seen.data, caller->arena().base());
      EXPECT_EQ(seen.size, 0u);
    }
    // A window that is none is the first, which nobody lent.
    mislead(*caller, {1, 8, 8}, {uint64_t(1) << 40, 8, 8});
    EXPECT_EQ(seen.data, caller->arena().base());
    EXPECT_EQ(seen.size, 0u);
  }
}

// The interpreter's; the compilers mask it in their own code.
TEST_F(GuessTest, AFunctionThatIsNoneIsTheFirst) {
  Image made = image("r0 = 5; exit; r0 = 6; exit; callx r1; exit");
  made.symbols = {{Symbol::Kind::kExport, 0, "first"},
                  {Symbol::Kind::kExport, 2, "second"},
                  {Symbol::Kind::kExport, 4, "main"}};
  auto called = instance(link(made));
  const Instance::Entry entry = *called->entry("main");
  uint64_t result = 0;
  const auto run = [&](uint64_t handle) {
    return [&, handle] { result = called->call(entry, {.r1 = handle}, 1000).r0; };
  };
  run(function_handle(1))();
  guesses_.learn(run(function_handle(1)));
  EXPECT_EQ(result, 6u);
  for (uint64_t handle : {function_handle(3), function_handle(1 << 24), uint64_t(0), uint64_t(kText) - 1}) {
    EXPECT_GT(guesses_.mislead(run(handle)), 0u) << handle;
    EXPECT_EQ(result, 5u) << handle;
  }
}

TEST_F(GuessTest, AHelperThatIsNoneIsNumberNought) {
  const HelperTable& table = machines_.helpers();
  const Helper* found = nullptr;
  const auto find = [&](uint32_t number) { return [&, number] { found = table.find(number); }; };
  guesses_.learn(find(1));
  EXPECT_EQ(found->number, 1u);
  const Helper* const nought = found - 1;
  for (uint32_t number : {kMaxHelpers - 1, 1u << 24, UINT32_MAX}) {
    EXPECT_GT(guesses_.mislead(find(number)), 0u);
    EXPECT_EQ(found, nought);
  }
}

#endif

}  // namespace
}  // namespace weft::vm::test
