// SPDX-License-Identifier: Apache-2.0
// C through weft-cc, on every machine.
#include <gtest/gtest.h>

#include "tests/unit/testing/temporary_directory.h"
#include "tests/unit/vm/machines.h"
#include "tools/weft_cc/clang.h"
#include "tools/weft_cc/linker.h"
#include "vm/disassemble.h"

namespace weft::vm::test {
namespace {

uint64_t sum(Call&, In bytes) {
  uint64_t all = 0;
  for (size_t i = 0; i < bytes.size; ++i) all += bytes.data[i];
  return all;
}

class WeftCcTest : public ::testing::Test {
 protected:
  WeftCcTest() { EXPECT_TRUE(machines_.helpers().add(make_helper<sum>(20, "sum"))); }

  Result<Image> build(const std::vector<std::string>& files) {
    std::vector<cc::ElfObject> objects;
    std::string notes;
    for (const std::string& file : files) {
      const std::string made = directory_.file("o" + std::to_string(objects.size()));
      if (auto done = cc::compile(file, made, {}, notes); !done) return done.error();
      auto object = cc::read_elf(made);
      if (!object) return object.error();
      object->file = file;
      objects.push_back(std::move(*object));
    }
    EXPECT_EQ(notes, "");
    return cc::link(objects, true);
  }
  std::string source(const char* name) { return std::string(WEFT_VM_TEST_C) + "/" + name; }
  // What weft-cc says about a program.
  std::string complaint(const std::string& text) {
    auto image = build({directory_.write("wrong.c", text)});
    return image ? "" : image.error().sentence;
  }

  weft::testing::TemporaryDirectory directory_;
  Machines machines_;
};

TEST_F(WeftCcTest, EverythingThatCMayDoHere) {
  auto image = build({source("everything.c")});
  ASSERT_TRUE(image) << image.error().sentence;
  const auto call = [&](const char* name, Arguments arguments = {}, std::string window = "") {
    const Trace t =
        machines_.run(*image, {.arguments = arguments, .window = std::move(window), .entry = name});
    EXPECT_STREQ(to_text(t.outcome.fault), "none") << name;
    return t.outcome.r0;
  };
  EXPECT_EQ(call("operate", {0, 7, uint64_t(-9)}), uint64_t(-2));
  EXPECT_EQ(call("operate", {1, 7, 9}), uint64_t(-2));
  EXPECT_EQ(call("operate", {2, 7, 9}), 63u);
  EXPECT_EQ(call("count"), 41u);
  EXPECT_EQ(call("recurse", {10}), 3628800u);
  EXPECT_EQ(call("letters", {0}), 115u + 97 + 102 + 101 + 32 + 99 + 111 + 100 + 101);
  EXPECT_EQ(call("letters", {2}), 99u + 111 + 100 + 101);
  EXPECT_EQ(call("fill", {299}), 298u);
  EXPECT_EQ(call("import", {kWindow, 3}, "\x01\x02\x03"), 12u);
  EXPECT_EQ(call("copies", {3}), 104u);
  // Out of the table of functions: some number is called that is none, or none that is one.
  const Trace t = machines_.run(*image, {.arguments = {77777, 1, 1}, .entry = "operate"});
  EXPECT_NE(t.outcome.fault, Fault::kNone);
  const std::string text = dump(*image);
  for (const char* part :
       {"export operate", "import sum", "\nfactorial:\n", "call factorial", "variable counter"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST_F(WeftCcTest, FilesAreLinked) {
  auto image = build({source("other.c"), source("everything.c")});
  ASSERT_TRUE(image) << image.error().sentence;
  EXPECT_EQ(machines_.run(*image, {.entry = "twice"}).outcome.r0, 42u + 6);
  auto twice = build({source("other.c"), source("other.c")});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().sentence.find("twice is defined twice"), std::string::npos)
      << twice.error().sentence;
}

TEST_F(WeftCcTest, StateStaysBetweenCalls) {
  auto image = build({source("everything.c")});
  ASSERT_TRUE(image);
  auto program = *Program::link(*image, {machines_.shared_helpers(), {}});
  auto one = *Instance::create(machines_.space(), program, machines_.compile(program), {});
  auto two = *Instance::create(machines_.space(), program, machines_.compile(program), {});
  EXPECT_EQ(one->call(*one->entry("count"), {}, 100).r0, 41u);
  EXPECT_EQ(one->call(*one->entry("count"), {}, 100).r0, 42u);
  EXPECT_EQ(two->call(*two->entry("count"), {}, 100).r0, 41u);
}

TEST_F(WeftCcTest, SaysWhatCCannotDoHere) {
  struct Case {
    const char* text;
    const char* sentence;
  };
  const Case cases[] = {
      {"int f(int a, int b, int c, int d, int e, int g) { return a + b + c + d + e + g; }",
       "at most five arguments"},
      {"int f(int, int, int, int, int, int); int g(int a) { return f(a, 1, 2, 3, 4, 5); }",
       "at most five arguments"},
      {"struct s { long a, b, c, d; }; long g(struct s); long f(struct s* x) { return g(*x); }", "by value"},
      {"struct s { long a, b, c, d; }; struct s f(long x) { struct s y = {x, x, x, x}; return y; }",
       "returned"},
      {"double f(double a) { return a * 2.5; }", "no floating point"},
      {"void g(char*); int f(int n) { char a[n]; g(a); return a[0]; }", "constant size"},
      {"void g(char*); int f(void) { char a[5000]; g(a); return a[0]; }", "at most 512 bytes"},
      {"int g(int, ...); int f(int n) { return g(n, 2); }\nint h(int a, ...) { return a; }", "'...'"},
      {"__int128 f(__int128 a, __int128 b) { return a * b; }", "64 bits"},
      {"int f(int a) { return b; }", "undeclared identifier 'b'"},
      {"int x = 1;", "no function"},
  };
  for (const Case& c : cases) {
    const std::string said = complaint(c.text);
    EXPECT_NE(said.find(c.sentence), std::string::npos) << c.text << "\n" << said;
  }
}

}  // namespace
}  // namespace weft::vm::test
