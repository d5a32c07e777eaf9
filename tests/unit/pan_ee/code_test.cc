// SPDX-License-Identifier: Apache-2.0
// Code objects at work in a node, by machine code and interpreted: what they may do, and what
// becomes of those that do what they may not.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <ctime>
#include <sstream>

#include "base/bytes.h"
#include "pan_ee/capsule.h"
#include "pan_ee/code_folder.h"
#include "tests/fuzz/exact_memory.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/pan_line.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft::pan {
namespace {

// Who gets what a code object delivers.
class Listener final : public Application {
 public:
  void deliver(an_Packet capsule) override {
    lengths.push_back(an_packetGetLength(capsule));
    an_packetDrop(capsule, AN_DROP_CONSUMED);
  }
  std::vector<size_t> lengths;
};

class CodeTest : public ::testing::TestWithParam<Engine> {
 protected:
  CodeTest() { start(WEFT_TEST_CODE_FOLDER); }
  void TearDown() override { line_.expect_balance(); }

  // A anew, with the objects of a folder, between the left end of the line and itself.
  void start(const std::string& folder, uint32_t budget = 100'000, size_t code_bytes = kCodeBytes) {
    line_.hosts[0]->pan.reset();
    line_.start_pan(0, {.address = line_.address(0),
                        .carriers = {"left/pan"},
                        .neighbours = {{line_.address(3), "left/pan"}},
                        .code_folder = folder,
                        .engine = GetParam(),
                        .budget = budget,
                        .code_bytes = code_bytes});
    line_.rounds();
  }
  // From now on A logs there.  The logger ends before the line does: log_nowhere() before that.
  void log_to(Logger& log) {
    auto& host = *line_.hosts[0];
    host.pan.reset();
    host.node.reset();
    host.node = std::make_unique<weft::GeniNode>(
        weft::GeniNode::Parts{host.geni, line_.worker, *line_.pool, line_.clock, log});
  }
  void log_nowhere() {
    auto& host = *line_.hosts[0];
    host.pan.reset();
    host.node.reset();
    host.start(line_);
    start(WEFT_CODE_FOLDER);
  }
  Node& node() { return line_.pan_node(0); }
  LoadedCode& code(const char* name) { return *node().find_code(name); }

  std::string capsule(const char* code_name, std::string_view body) {
    std::string bytes(capsule::kHeader, '\0');
    capsule::write(reinterpret_cast<uint8_t*>(bytes.data()),
                   {9, uint32_t(capsule::kHeader + body.size()), line_.address(0), code(code_name).name()});
    return bytes.append(body);
  }
  template <typename T>
  void inject(T&& capsule) {
    line_.inject(std::forward<T>(capsule));
    line_.rounds();
  }
  std::vector<std::string> output() { return line_.output(line_.left_end); }
  uint64_t dropped(an_DropReason reason) { return line_.stats(0).dropped[reason]; }
  // What hostile.c does with this letter: the reason for which its capsule is lost.
  void expect_lost(char letter, an_DropReason reason, const char* why) {
    const uint64_t before = dropped(reason), failures = code("hostile").failures();
    inject(capsule("hostile", std::string(16, '\1') + letter + "rest"));
    EXPECT_EQ(dropped(reason), before + 1) << letter;
    const bool stopped = *why != '\0';
    EXPECT_EQ(code("hostile").failures(), failures + stopped) << letter;
    if (!stopped) return;
    EXPECT_EQ(code("hostile").last_failure().substr(0, std::strlen(why)), why) << letter;
  }

  test::PanLine line_;
};

std::string address_bytes(const NodeAddress& a) {
  return {reinterpret_cast<const char*>(a.bytes.data()), a.bytes.size()};
}

INSTANTIATE_TEST_SUITE_P(, CodeTest, ::testing::Values(Engine::kJit, Engine::kInterpreter),
                         [](const auto& info) { return name(info.param); });

TEST_P(CodeTest, TheWantedEngineIsUsed) {
  EXPECT_EQ(node().engine(), GetParam());
  EXPECT_EQ(node().engine_reason(), "");
  EXPECT_EQ(code("hostile").is_compiled(), GetParam() == Engine::kJit);
}

TEST_P(CodeTest, WhatFaultsLosesItsCapsuleAndNothingElse) {
  expect_lost('l', AN_DROP_CODE_BUDGET, "budget at instruction");
  expect_lost('r', AN_DROP_CODE_FAULT, "depth at instruction");
  expect_lost('n', AN_DROP_CODE_FAULT, "access at instruction");
  expect_lost('a', AN_DROP_CODE_FAULT, "alignment at instruction");
  expect_lost('h', AN_DROP_CODE_FAULT, "helper range at instruction");
  expect_lost('m', AN_DROP_CODE_FAULT, "helper range at instruction");
  inject(capsule("hostile", address_bytes(line_.address(3)) + "g"));
  EXPECT_EQ(line_.stats(0).packets_sent, 1u);
  EXPECT_EQ(code("hostile").capsules(), 7u);
}

// They leave in the order in which they came; what is lost among them holds up nobody.
TEST_P(CodeTest, AVectorOfSeveralCodeObjectsKeepsItsOrder) {
  const std::string there = address_bytes(line_.address(3));
  Pvec v;
  std::string expected;
  for (char n = 'a'; n < 'a' + 24; ++n) {
    std::string bytes;
    if (n % 5 == 0) {
      bytes = capsule("hostile", std::string(16, '\1') + 'l' + n);
    } else if (n % 7 == 0) {
      bytes = capsule("streams", "no");  // too short for it
      bytes[capsule::kReserved] = 1;
    } else {
      bytes = n % 2 == 0 ? capsule("hostile", there + "g" + n)
                         : capsule("streams", there + std::string(239, '\0') + n);
      expected += n;
    }
    v.push_back(test::packet(*line_.pool, bytes));
  }
  line_.wires.front()->push(line_.left_end, v);
  ASSERT_TRUE(v.empty());
  line_.rounds();
  std::string sent;
  for (const std::string& out : output()) sent += out.back();
  EXPECT_EQ(sent, expected);
  EXPECT_EQ(dropped(AN_DROP_CODE_BUDGET), 5u);
  EXPECT_EQ(dropped(AN_DROP_MALFORMED), 3u);
  EXPECT_EQ(code("hostile").capsules() + code("streams").capsules(), expected.size() + 5);
  EXPECT_GE(code("hostile").charged(), 5 * 100'000u);  // what ran until it was stopped
  EXPECT_LT(code("hostile").charged(), 6 * 100'000u);
  EXPECT_GE(code("hostile").memory(), vm::kPackedBytes + (code("hostile").is_compiled() ? 1 : 0));
}

TEST_P(CodeTest, WhatIsNotItsIsRefused) {
  for (char letter : {'e', 's', 'w', '2', 'p', 'k', 'x'})
    expect_lost(letter, AN_DROP_CODE_REFUSED, "refused");
  expect_lost('d', AN_DROP_NO_APPLICATION, "");
  expect_lost('?', AN_DROP_DISCARD, "");
  EXPECT_EQ(line_.stats(0).packets_sent, 0u);
}

TEST_P(CodeTest, ACapsuleShorterThanItsCodeReadsIsRefused) {
  inject(capsule("hostile", "short"));
  EXPECT_EQ(dropped(AN_DROP_CODE_REFUSED), 1u);
}

TEST_P(CodeTest, TheBodyMayBeReadOverItself) {
  const std::string body = address_bytes(line_.address(3)) + "o";
  inject(capsule("hostile", body + "rest"));
  const auto out = output();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].substr(capsule::kHeader), body.substr(0, 4) + body.substr(0, 13) + "rest");
}

// The node counts what is at hand, not the program: the packet ends with its body.
TEST_P(CodeTest, WhoLiesAboutWhatIsAtHandGetsNoMore) {
  const std::string sent = capsule("hostile", address_bytes(line_.address(3)) + "f");
  inject(sent);
  auto out = output();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].substr(capsule::kHeader), sent.substr(capsule::kHeader));
}

TEST_P(CodeTest, TheBudgetIsTheConfigs) {
  start(WEFT_TEST_CODE_FOLDER, 5);
  inject(capsule("streams", std::string(256, '\0')));
  // Straight code is not counted; what the helpers are asked for is.
  EXPECT_EQ(dropped(AN_DROP_CODE_BUDGET), 1u);
  std::string error;
  EXPECT_EQ(
      Node::start({.address = line_.address(1), .budget = 0}, line_.hosts[0]->node->root().handle(), error),
      nullptr);
  EXPECT_EQ(error, "a capsule's budget is 1 to 2147483647 instructions");
}

// --- what it may do ------------------------------------------------------------------------

std::string body_of_numbers(const NodeAddress& to) {
  std::string body(256, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = char(i * 37 + 11);
  std::memcpy(body.data(), to.bytes.data(), 16);
  return body;
}

// As streams.c says.
void check_streams(const std::string& in, const std::string& out, bool from_network, bool application,
                   uint32_t calls) {
  std::string expected = in;
  for (auto [at, size] : {std::pair{16, 2},
                          {18, 2},
                          {20, 4},
                          {24, 4},
                          {28, 8},
                          {36, 8},
                          {44, 2},
                          {46, 2},
                          {48, 4},
                          {52, 4},
                          {56, 8},
                          {64, 8}}) {
    std::reverse(expected.begin() + at, expected.begin() + at + size);
  }
  expected[72] = char(-in[72]);
  expected[73] = char(in[73] + 1);
  expected.replace(80, 16, address_bytes(test::PanLine::address(0)));
  const uint64_t time = load_be64(out.data() + 96);
  EXPECT_NEAR(double(time) / 1e9, double(::time(nullptr)), 5);
  expected.replace(96, 8, out.substr(96, 8));
  expected[104] = char(from_network | application << 1);
  expected.replace(105, 7, in.substr(249));
  store_be32(expected.data() + 112, calls);
  uint32_t sum = load_be16(in.data() + 124);
  for (int i = 124; i < 130; ++i) sum += uint8_t(in[size_t(i)]);
  store_be32(expected.data() + 116, sum);
  EXPECT_EQ(out, expected);
}

TEST_P(CodeTest, StreamsReadAndWriteInEveryByteOrder) {
  const std::string body = body_of_numbers(line_.address(3));
  Listener listener;
  for (uint32_t calls = 1; calls < 3; ++calls) {
    if (calls == 2) code("streams").attach(&listener);
    inject(capsule("streams", body));
    const auto out = output();
    ASSERT_EQ(out.size(), 1u) << code("streams").last_failure();
    check_streams(body, out[0].substr(capsule::kHeader), true, calls == 2, calls);
  }
}

TEST_P(CodeTest, ABodyInPiecesReadsAsOne) {
  const std::string body = body_of_numbers(line_.address(3));
  const std::string whole = capsule("streams", body);
  for (size_t cut : {1, 70, 100, 191, 192, 195, 250, 319}) {
    PacketPtr front = test::packet(*line_.pool, whole.substr(0, cut));
    front->next = test::packet(*line_.pool, whole.substr(cut)).release();
    front->segs = 2;
    inject(std::move(front));
    const auto out = output();
    ASSERT_EQ(out.size(), 1u) << cut << code("streams").last_failure();
    EXPECT_EQ(out[0].substr(capsule::kHeader + 249), body.substr(249));
  }
}

// Found by fuzz_capsule: the name was read where the first piece did not have it.
TEST_P(CodeTest, WhatIsBehindAShortFirstPieceIsNotRead) {
  const std::string text = capsule("hostile", address_bytes(line_.address(3)) + "g");
  const std::vector<uint8_t> whole(text.begin(), text.end());
  for (uint8_t cut : {1, 24, 30, 63, 64, 70}) {
    for (bool writable : {false, true}) {
      inject(fuzz::ExactMemory::packet(*line_.pool, whole, cut, writable));
      EXPECT_EQ(output().size(), 1u) << cut;
    }
  }
}

TEST_P(CodeTest, ForwardGoesOnUntilItsApplicationTakesIt) {
  start(WEFT_CODE_FOLDER);
  Listener listener;
  inject(capsule("forward", address_bytes(line_.address(3)) + std::string(1000, 'x')));
  EXPECT_EQ(output().size(), 1u);
  inject(capsule("forward", address_bytes(line_.address(0)) + "nobody is there"));
  EXPECT_EQ(dropped(AN_DROP_NO_APPLICATION), 1u);
  code("forward").attach(&listener);
  inject(capsule("forward", address_bytes(line_.address(0)) + "somebody is"));
  EXPECT_EQ(listener.lengths, std::vector<size_t>{64 + 16 + 11});
  EXPECT_EQ(dropped(AN_DROP_CONSUMED), 1u);
  inject(capsule("forward", "too short"));
  EXPECT_EQ(dropped(AN_DROP_MALFORMED), 1u);
}

TEST_P(CodeTest, FaultsAllocateNothing) {
  inject(capsule("hostile", std::string(16, '\1') + 'n'));
  for (char letter : {'n', 'r', 'e', '2', 'g'}) {
    line_.inject(capsule("hostile", address_bytes(line_.address(3)) + letter));
    const uint64_t before = testing::allocations();
    line_.rounds();
    EXPECT_EQ(testing::allocations(), before) << letter;
  }
}

// --- what is not taken -----------------------------------------------------------------------

TEST_P(CodeTest, WhatIsNotTakenIsSaidAndTheNodeGoesOn) {
  const testing::TemporaryDirectory folder;
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy(from, folder.file(to), std::filesystem::copy_options::overwrite_existing);
  };
  const std::string forward = std::string(WEFT_CODE_FOLDER) + "/forward.pco";
  for (const char* name : {"greedy", "never_ready", "wants_more"}) {
    copy(std::string(WEFT_TEST_CODE_FOLDER) + "/" + name + ".pco", std::string(name) + ".pco");
  }
  copy(forward, "good.pco");
  copy(forward, "twice.pco");
  std::string bytes = folder.read("good.pco");
  folder.write("cut.pco", bytes.substr(0, bytes.size() - 3));
  const auto with = [&](size_t at, char value) {
    std::string changed = bytes;
    changed[at] = value;
    return changed;
  };
  folder.write("misnamed.pco", with(10, char(bytes[10] + 1)));
  folder.write("magic.pco", with(0, 'X'));
  folder.write("format.pco", with(43, 9));
  const auto object = *read_code_object({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  const auto future = write_code_object(2, "future", object.program);
  folder.write("future.pco", {reinterpret_cast<const char*>(future.data()), future.size()});
  auto renamed = object.program;
  const std::string_view accept = "accept";
  const auto at = std::search(renamed.begin(), renamed.end(), accept.begin(), accept.end());
  ASSERT_NE(at, renamed.end());
  *at = 'A';
  const auto no_accept = write_code_object(1, "no_accept", renamed);
  folder.write("no_accept.pco", {reinterpret_cast<const char*>(no_accept.data()), no_accept.size()});
  const auto nonsense = write_code_object(1, "nonsense", std::vector<uint8_t>{1, 2, 3});
  folder.write("nonsense.pco", {reinterpret_cast<const char*>(nonsense.data()), nonsense.size()});

  std::ostringstream said;
  Logger log("weftd", std::make_shared<spdlog::sinks::ostream_sink_st>(said));
  log_to(log);
  start(folder.file("."));
  for (const char* sentence :
       {"cut.pco is left out: code object: section 2 has ",
        "format.pco is left out: code object: its format is version 9, this node reads version 1",
        "future.pco is left out: it was made for version 2 of the PNI, this node has version 1",
        "greedy.pco is left out: its window() wants 1537 bytes of the body at hand, at most 1536 can be",
        "magic.pco is left out: code object: it does not begin as one, with WEFTPCO",
        "misnamed.pco is left out: code object: it calls itself ",
        "never_ready.pco is left out: its init() was stopped: budget at instruction ",
        "no_accept.pco is left out: it exports no accept(), which evaluates capsules",
        "nonsense.pco is left out: program image: it does not begin as one",
        "twice.pco is left out: code object: sha256:",
        "wants_more.pco is left out: nothing offers the function 'launch_missiles' that the program calls"}) {
    EXPECT_NE(said.str().find(sentence), std::string::npos) << sentence << "\nnot in\n" << said.str();
  }
  EXPECT_EQ(std::ranges::count(said.str(), '\n'), 11);
  ASSERT_EQ(node().code().size(), 1u);
  inject(capsule("forward", address_bytes(line_.address(3))));
  EXPECT_EQ(output().size(), 1u);
  log_nowhere();
}

// An object that finds no memory for machine code runs all the same, and the next may find some.
TEST_P(CodeTest, WhatCannotBeCompiledIsInterpreted) {
  const bool jit = GetParam() == Engine::kJit;
  const testing::TemporaryDirectory folder;
  std::filesystem::copy(std::string(WEFT_TEST_CODE_FOLDER) + "/streams.pco", folder.file("a_large.pco"));
  std::filesystem::copy(std::string(WEFT_CODE_FOLDER) + "/forward.pco", folder.file("small.pco"));
  std::ostringstream said;
  Logger log("weftd", std::make_shared<spdlog::sinks::ostream_sink_st>(said));
  log_to(log);
  start(folder.file("."), 100'000, 1);  // a page
  EXPECT_EQ(node().engine(), GetParam());
  EXPECT_FALSE(code("streams").is_compiled());
  EXPECT_EQ(code("forward").is_compiled(), jit);
  EXPECT_EQ(std::ranges::count(said.str(), '\n'), jit);
  EXPECT_EQ(said.str().find("a_large.pco is interpreted: the memory for machine code is used up\n") !=
                std::string::npos,
            jit)
      << said.str();
  inject(capsule("streams", body_of_numbers(line_.address(3))));
  inject(capsule("forward", address_bytes(line_.address(3))));
  EXPECT_EQ(output().size(), 2u);
  log_nowhere();
}

TEST_P(CodeTest, AFolderThatIsNotThereIsAnError) {
  std::string error;
  EXPECT_EQ(Node::start({.address = line_.address(1), .code_folder = "/nowhere"},
                        line_.hosts[0]->node->root().handle(), error),
            nullptr);
  EXPECT_EQ(error, "the folder of code objects /nowhere: No such file or directory");
}

TEST_P(CodeTest, WithoutPingAPingSaysSo) {
  Ping::Reply::Status status{};
  ASSERT_TRUE(node().ping().send({.destination = line_.address(3)},
                                 [&](const Ping::Reply& reply) { status = reply.status; }));
  line_.rounds();
  EXPECT_STREQ(sentence(status), "this node has no code object 'ping'");
}

}  // namespace
}  // namespace weft::pan
