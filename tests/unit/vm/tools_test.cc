// SPDX-License-Identifier: Apache-2.0
// bpf_plugin and weft-cc as they are called: words in, text and a status out.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/unit/testing/temporary_directory.h"
#include "tests/unit/vm/assemble.h"

namespace weft::vm::test {
namespace {

struct Ended {
  int status;
  std::string text;  // of both outputs
};

Ended shell(const std::string& line) {
  FILE* pipe = ::popen(("{ " + line + "; } 2>&1").c_str(), "r");
  Ended ended{-1, ""};
  if (pipe == nullptr) return ended;
  std::array<char, 4096> buffer{};
  for (size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ended.text.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

std::string hex(std::string_view text) {
  const std::vector<Instruction> program = assemble(text);
  std::string digits;
  for (const Instruction& i : program) {
    uint8_t bytes[sizeof i];
    std::memcpy(bytes, &i, sizeof i);
    for (uint8_t byte : bytes) {
      char pair[3];
      std::snprintf(pair, sizeof pair, "%02x", byte);
      digits += pair;
    }
  }
  return digits;
}

class PluginTest : public ::testing::Test {
 protected:
  static Ended run(std::string_view text, const std::string& words = "") {
    return shell("echo " + hex(text) + " | " WEFT_BPF_PLUGIN " " + words);
  }
  // On both machines.
  static void expect(std::string_view text, const std::string& printed, const std::string& memory = "") {
    SCOPED_TRACE(text);
    for (const char* machine : {"--interpret", "--jit", ""}) {
      const Ended ended = run(text, memory + " " + machine);
      EXPECT_EQ(ended.status, 0);
      EXPECT_EQ(ended.text, printed + "\n");
    }
  }
};

TEST_F(PluginTest, PrintsR0InHex) {
  expect("r0 = 2; exit", "2");
  expect("r0 = -1; exit", "ffffffffffffffff");
  expect("w0 = -1; exit", "ffffffff");
  expect("exit", "0");
}

TEST_F(PluginTest, GivesMemoryAndItsLength) {
  expect("r0 = *(u8 *)(r1 + 1); exit", "bb", "aabbcc");
  expect("r0 = r2; exit", "3", "aabbcc");
  expect("r0 = *(u32 *)(r1 + 0); exit", "44332211", "11223344");
  expect("r0 = r2; exit", "0");
  const std::string large(2 * 8000, '7');
  expect("r0 = *(u8 *)(r1 + 7999); exit", "77", large);
}

// As the suite calls it: bytes apart by spaces, the options as one more argument, which may be empty.
TEST_F(PluginTest, TakesArgumentsAsTheSuiteGivesThem) {
  for (const char* options : {"''", "--jit", "--interpret"}) {
    const Ended ended = run("r0 = *(u8 *)(r1 + 1); r0 += r2; exit", std::string("'aa  bb  cc  ' ") + options);
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.text, "be\n");
  }
  EXPECT_EQ(run("r0 = r2; exit", "'' ''").text, "0\n");
  EXPECT_EQ(run("r0 = r2; exit", "aabb ccdd").text,
            "bpf_plugin: the memory is there already; what is 'ccdd'?\n");
}

// Helper 5, called as itself and by a register.
TEST_F(PluginTest, UnwindsWhenItIsAsked) {
  expect("r1 = -1; call helper 5; r0 = 2; exit", "2");
  expect("r1 = -1; r2 = 5; callx r2; r0 = 2; exit", "2");
  expect("r1 = 0; call helper 5; r0 = 2; exit", "0");
}

TEST_F(PluginTest, LocalCalls) { expect("r0 = 0; r1 = 0x42; call f; exit; f: r0 = r1; exit", "42"); }

TEST_F(PluginTest, SaysWhyNot) {
  const Ended refused = run("r10 = 1; exit");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.text, "bpf_plugin: instruction 0 (r10 = 1): r10 cannot be written\n");
  const Ended stopped = run("r0 = *(u64 *)(r0 + 0); exit");
  EXPECT_EQ(stopped.status, 1);
  EXPECT_EQ(stopped.text, "bpf_plugin: stopped at instruction 0: access\n");
  EXPECT_EQ(run("exit", "abc").status, 1);
  EXPECT_EQ(run("exit", "--fast").status, 1);
  EXPECT_EQ(shell("echo 95 | " WEFT_BPF_PLUGIN).status, 1);
  EXPECT_EQ(shell(WEFT_BPF_PLUGIN " --program " + hex("r0 = 9; exit")).text, "9\n");
}

TEST(WeftCcProgramTest, CompilesAndDumps) {
  weft::testing::TemporaryDirectory directory;
  const std::string source = directory.write(
      "count.c", "extern long log(long);\nstatic long n;\nlong count(void) { return log(STEP + n++); }\n");
  const std::string image = directory.file("count.wvm");
  const Ended built = shell(WEFT_CC " -DSTEP=3 -o " + image + " " + source);
  EXPECT_EQ(built.status, 0) << built.text;
  EXPECT_EQ(built.text, "");
  const Ended dumped = shell(WEFT_CC " --dump " + image);
  EXPECT_EQ(dumped.status, 0);
  for (const char* part : {"export count", "import log", "variable n at", "call log"}) {
    EXPECT_NE(dumped.text.find(part), std::string::npos) << dumped.text;
  }
  EXPECT_EQ(shell(WEFT_CC " -s -DSTEP=3 -o " + image + " " + source).status, 0);
  EXPECT_EQ(shell(WEFT_CC " --dump " + image).text.find("variable n"), std::string::npos);
}

TEST(WeftCcProgramTest, FailsWithASentence) {
  weft::testing::TemporaryDirectory directory;
  const std::string source = directory.write("f.c", "double f(double a) { return a * 2.5; }\n");
  const Ended floating = shell(WEFT_CC " -o " + directory.file("f") + " " + source);
  EXPECT_EQ(floating.status, 1);
  EXPECT_EQ(floating.text,
            "weft-cc: " + source + ":1:31: there are no floating point numbers; count in integers\n");
  const Ended no_image = shell(WEFT_CC " --dump " + source);
  EXPECT_EQ(no_image.status, 1);
  EXPECT_EQ(no_image.text, "weft-cc: " + source + ": program image: it does not begin as one\n");
  const std::string named =
      directory.write("n.c", "int f(void) __asm__(\"\\033[2J\");\nint f(void) { return 1; }\n");
  const Ended bad_name = shell(WEFT_CC " -o " + directory.file("n") + " " + named);
  EXPECT_EQ(bad_name.status, 1);
  EXPECT_NE(bad_name.text.find("\\x1b[2J"), std::string::npos) << bad_name.text;
  EXPECT_EQ(bad_name.text.find('\033'), std::string::npos);
  EXPECT_EQ(shell(WEFT_CC " -o /nowhere/f " + source).status, 1);
  EXPECT_EQ(shell(WEFT_CC " --dump " + directory.file("none")).status, 1);
  const Ended no_file = shell(WEFT_CC " --dump " + directory.file("."));
  EXPECT_EQ(no_file.status, 1);
  EXPECT_EQ(no_file.text, "weft-cc: read " + directory.file(".") + ": Is a directory\n");
}

TEST(WeftCcProgramTest, ACodeObjectEvaluatesCapsules) {
  weft::testing::TemporaryDirectory directory;
  const std::string output = directory.file("a.pco");
  const auto build = [&](const std::string& text) {
    return shell(WEFT_CC " --strip --code-object a -o " + output + " " + directory.write("a.c", text));
  };
  for (const char* text : {"int f(void) { return 1; }",
                           "static int accept(void) { return 1; }\n"
                           "int f(void) { return accept(); }",
                           "int accept = 1; int f(void) { return accept; }"}) {
    const Ended refused = build(text);
    EXPECT_EQ(refused.status, 1) << text;
    EXPECT_EQ(refused.text,
              "weft-cc: a code object exports accept(), which evaluates capsules; this one does not\n");
  }
  EXPECT_NE(shell("test -e " + output).status, 0);
  EXPECT_EQ(build("void accept(void) {}").text, "");
  EXPECT_EQ(shell("test -e " + output).status, 0);
}

TEST(WeftCcProgramTest, SaysItsVersion) {
  const Ended said = shell(WEFT_CC " --version");
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.text, "weft-cc " WEFT_VERSION "\n");
}

TEST(WeftCcProgramTest, DoesNotOverwriteWhatItReads) {
  weft::testing::TemporaryDirectory directory;
  const std::string text = "int f(void) { return 1; }\n";
  const std::string source = directory.write("f.c", text), link = directory.file("link.c");
  EXPECT_EQ(shell("ln -s f.c " + link).status, 0);
  for (const std::string& output : {source, directory.file("./f.c"), link}) {
    const Ended ended = shell(WEFT_CC " -o " + output + " " + source);
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.text, "weft-cc: " + source + " would be overwritten; name another file with -o\n");
    EXPECT_EQ(directory.read("f.c"), text);
  }
}

}  // namespace
}  // namespace weft::vm::test
