// SPDX-License-Identifier: Apache-2.0
// Any bytes as a code object, and what it does with a capsule.  Must hold:
//   - what is read is written again as the same bytes
//   - what is wrong is told in one printable sentence
//   - whatever the program does, its evaluation ends, on both machines alike (but for the
//     time), and the books of the node balance
//
//   1  flags   0x01 the name is made that of the bytes    0x02 a capsule is evaluated
//   .. the code object
#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "pan_ee/capsule.h"
#include "pan_ee/code_loader.h"
#include "pan_ee/code_object.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"
#include "tests/unit/testing/pan_line.h"

namespace weft::fuzz {
namespace {

enum Flag : uint8_t { kMend = 1, kEvaluate = 2 };
constexpr size_t kNameAt = 7, kHashedAt = 40;
constexpr uint32_t kBudget = 20'000;

void mend(std::vector<uint8_t>& bytes) {
  if (bytes.size() < kHashedAt) return;
  const std::string_view hashed(reinterpret_cast<const char*>(bytes.data()) + kHashedAt,
                                bytes.size() - kHashedAt);
  pan::name_of(hashed).write(&bytes[kNameAt]);
}

struct Outcome {
  pan::Environment::Verdict verdict;
  std::optional<vm::Fault> fault;
  std::vector<uint8_t> capsule;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Loaded, evaluated and unloaded by one engine.  Nothing when it cannot be loaded.
std::optional<Outcome> evaluate(pan::Engine engine, const pan::CodeObject& object, an_Packet capsule) {
  static const auto jit = *pan::CodeLoader::create(pan::Engine::kJit, test::PanLine::address(0));
  static const auto interpreter =
      *pan::CodeLoader::create(pan::Engine::kInterpreter, test::PanLine::address(0));
  auto loaded = (engine == pan::Engine::kJit ? jit : interpreter)->load(object);
  if (!loaded) {
    for (char c : loaded.error().sentence) require(c >= ' ' && c <= '~', "a printable sentence");
    return std::nullopt;
  }
  an_PacketView view;
  an_packetGetViewVec(&capsule, 1, &view);
  const std::vector<uint8_t> before(view.front, view.front + view.length);
  pan::Environment env;
  const uint32_t length = view.length - uint32_t{pan::capsule::kHeader};
  env.begin(capsule, view.front, length, std::min(length, (*loaded)->window()), **loaded);
  {
    vm::Instance::Calls calls;
    (*loaded)->evaluate(env, calls, kBudget);
  }
  Outcome outcome{env.verdict(), {}, {view.front, view.front + view.length}};
  if (env.verdict() == pan::Environment::Verdict::kStopped) outcome.fault = env.fault();
  std::copy(before.begin(), before.end(), view.front);
  return outcome;
}

// Then two evaluations differ.
bool tells_the_time(const pan::CodeObject& object) {
  constexpr std::string_view kHelper = "pni_time";
  return std::search(object.program.begin(), object.program.end(), kHelper.begin(), kHelper.end()) !=
         object.program.end();
}

// The checks of the line's fixture, as of require().
test::PanLine& make_line() {
  ::testing::GTEST_FLAG(break_on_failure) = true;
  return *new test::PanLine;
}

void run(Input in) {
  static test::PanLine& line = make_line();
  const uint8_t flags = in.byte();
  const auto rest = in.bytes(SIZE_MAX);
  std::vector<uint8_t> bytes(rest.begin(), rest.end());
  if ((flags & kMend) != 0) mend(bytes);
  const auto object = pan::read_code_object(bytes);
  if (!object) {
    for (char c : object.error().sentence) require(c >= ' ' && c <= '~', "a printable sentence");
    return;
  }
  if (object->name.bytes[0] == uint8_t(pan::HashKind::kSha256)) {
    require(pan::write_code_object(object->pni_version, object->symbolic_name, object->program) == bytes,
            "a code object has one form");
  }
  if ((flags & kEvaluate) == 0) return;
  an_Packet capsule = an_packetAlloc(line.pan_node(0).domain(), pan::capsule::kHeader + 200);
  const auto by_jit = evaluate(pan::Engine::kJit, *object, capsule);
  const auto interpreted = evaluate(pan::Engine::kInterpreter, *object, capsule);
  if (!tells_the_time(*object)) require(by_jit == interpreted, "both machines do the same");
  an_packetFree(capsule);
  line.expect_balance();
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::fuzz::run({data, size});
  return 0;
}
