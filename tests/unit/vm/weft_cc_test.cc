// SPDX-License-Identifier: Apache-2.0
// C through weft-cc, on every machine.
#include <gtest/gtest.h>

#include "tests/unit/testing/temporary_directory.h"
#include "tests/unit/vm/machines.h"
#include "tools/weft_cc/clang.h"
#include "tools/weft_cc/explain.h"
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
      auto object = cc::read_elf(made, file);
      if (!object) return object.error();
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
    std::vector<const char*> sentences;
    std::vector<const char*> not_sentences = {};
  };
  const char* five = "at most five arguments";
  const char* atomics = ": the atomic operations are add";
  const char* division = "division";
  const char* goto_label = "function f: there is no goto to the address of a label";
  const char* frame = "function f: it asks for what the machine does not have";
  const Case cases[] = {
      {"int f(int a, int b, int c, int d, int e, int g) { return a + b + c + d + e + g; }", {five}},
      {"int f(int, int, int, int, int, int); int g(int a) { return f(a, 1, 2, 3, 4, 5); }", {five}},
      {"static int f(int a) { return a; }\nint g(int a) { return f(a, 2); }",
       {"wrong.c:2:28: error: too many arguments to function call"},
       {five}},
      {"struct s { long a, b, c, d; }; long g(struct s); long f(struct s* x) { return g(*x); }",
       {"by value"}},
      {"struct s { long a, b, c, d; }; struct s f(long x) { struct s y = {x, x, x, x}; return y; }",
       {"returned"}},
      {"double f(double a) { return a * 2.5; }", {"wrong.c:1:31: there are no floating point numbers"}},
      {"void g(char*); int f(int n) { char a[n]; g(a); return a[0]; }", {"constant size"}},
      {"void g(char*); int f(void) { char a[5000]; g(a); return a[0]; }", {"at most 512 bytes"}},
      {"int g(int, ...); int f(int n) { return g(n, 2); }\nint h(int a, ...) { return a; }", {"'...'"}},
      {"int f(int n, ...) { __builtin_va_list l; __builtin_va_start(l, n); int r = __builtin_va_arg(l, int);"
       " __builtin_va_end(l); return r; }",
       {"'...'"},
       {division, "Cannot select"}},
      {"__int128 f(__int128 a, __int128 b) { return a * b; }", {"64 bits"}},
      {"int f(int a) { return b; }", {"wrong.c:1:23: error: ", "undeclared identifier 'b'"}},
      {"int x = 1;", {"no function"}},
      {"int f(_Atomic int* p) { return *p; }", {atomics}, {division, "Cannot select"}},
      {"void f(_Atomic int* p, int v) { *p = v; }", {atomics}, {division, "Cannot select"}},
      {"int f(char* p) { return __sync_fetch_and_add(p, 1); }", {atomics}, {division, "Cannot select"}},
      {"int f(int* p) { return __sync_fetch_and_nand(p, 1); }", {atomics}, {division, "Cannot select"}},
      {"int f(int n) { static void* t[] = {&&a, &&b}; goto *t[n]; a: return 1; b: return 2; }",
       {goto_label},
       {division, "Cannot select"}},
      {"void* f(int n) { a: return &&a; }", {goto_label}, {division, "Cannot select"}},
      {"int f(int a) { if (a) __builtin_trap(); return 1; }\ndouble g(double a) { return a * 2; }",
       {"wrong.c:1:23: there is no abort()", "\n", "wrong.c:2:31: there are no floating point numbers"},
       {"error:"}},
      {"int f(void) { void* b[5]; return __builtin_setjmp(b); }\n", {"wrong.c:1:34: error: "}, {"generated"}},
      {"void* f(void) { return __builtin_return_address(0); }", {frame}, {"PLEASE", "#0 "}},
      {"void* f(void) { return __builtin_frame_address(0); }", {frame}, {"PLEASE", "#0 "}},
      {"struct s { int a[9999]; }; void f(struct s* a, struct s* b) { *a = *b; }", {"call memcpy() here"}},
  };
  for (const Case& c : cases) {
    const std::string said = complaint(c.text);
    for (const char* sentence : c.sentences) {
      EXPECT_NE(said.find(sentence), std::string::npos) << sentence << "\n" << c.text << "\n" << said;
    }
    for (const char* sentence : c.not_sentences) {
      EXPECT_EQ(said.find(sentence), std::string::npos) << sentence << "\n" << c.text << "\n" << said;
    }
  }
}

// What is wrong in a header is told with the header's name.
TEST_F(WeftCcTest, NamesTheHeader) {
  directory_.write("inner.h", "\ndouble f(double a) { return a * 3; }\n");
  const std::string said = complaint("#include \"inner.h\"\nint k(int a) { return a; }\n");
  EXPECT_NE(said.find("inner.h:2:31: there are no floating point numbers"), std::string::npos) << said;
}

// clang-19 crashes on it when it is to write debug information.
TEST_F(WeftCcTest, AnAlias) {
  auto image = build({directory_.write("alias.c",
                                       "int f(int a) { return a + 1; }\n"
                                       "int g(int) __attribute__((alias(\"f\")));\n"
                                       "int h(int a) { return g(a); }\n")});
  ASSERT_TRUE(image) << image.error().sentence;
  EXPECT_EQ(machines_.run(*image, {.arguments = {1}, .entry = "h"}).outcome.r0, 2u);
}

// What would be left out, or would run and not work.
TEST_F(WeftCcTest, RefusesWhatCannotWork) {
  struct Case {
    const char* text;
    const char* sentence;
  };
  const char* constructor = "wrong.c: it has a constructor (section ";
  const char* variable = "wrong.c: the variable v is in no file; only functions can be imported";
  const Case cases[] = {
      {"volatile int v; __attribute__((constructor)) static void init(void) { v = 5; } int g(void) { return "
       "v; }",
       constructor},
      {"volatile int v; __attribute__((destructor)) static void end(void) { v = 5; } int g(void) { return v; "
       "}",
       "wrong.c: it has a destructor (section "},
      {"static void i(void) {} __attribute__((section(\".preinit_array\"), used)) static void (*p)(void) = i;"
       "int g(void) { return 1; }",
       constructor},
      {"extern int v; int g(int n) { return v + n; }", variable},
      {"extern int v; int* g(void) { return &v; }", variable},
      {"extern int v __attribute__((weak)); int g(void) { return &v ? v : 0; }", variable},
      {"extern int v[9]; int g(int n) { return v[n]; }", variable},
      {"extern int v; int* p = &v; int* g(void) { return p; }", variable},
      {"extern int v; int take(int*); int g(void) { return take(&v); }", variable},
      {"int f(void) { __asm__ volatile(\"r10 = 0\"); return 1; }",
       "wrong.c: function f: instruction 0 (r10 = 0): r10 cannot be written"},
      {"int gr\u00fcn(void) { return 1; }",
       "wrong.c: the name gr\xc3\xbcn has a character that is not ASCII"},
      {"int gr\u00fcn(void); int f(void) { return gr\u00fcn(); }", "has a character that is not ASCII"},
  };
  for (const Case& c : cases) {
    const std::string said = complaint(c.text);
    EXPECT_NE(said.find(c.sentence), std::string::npos) << c.sentence << "\n" << c.text << "\n" << said;
  }
  // Functions can be pointed to.
  for (const char* text : {"int v(int); int (*g(void))(int) { return v; }",
                           "int v(int); int (*p)(int) = v;\nint g(int n) { return p(n); }",
                           "int v(int) __attribute__((weak)); int g(int n) { return v ? v(n) : 0; }",
                           "int v(int); int take(int (*)(int)); int g(void) { return take(v); }"}) {
    EXPECT_EQ(complaint(text), "") << text;
  }
}

// What an object says that was made without debug information.
TEST_F(WeftCcTest, VariablesByTheirUse) {
  const auto said = [this](const char* text) {
    std::string notes;
    const std::string made = directory_.file("plain.o");
    if (auto done = cc::compile(directory_.write("plain.c", text), made, {"-g0"}, notes); !done)
      return done.error().sentence;
    const auto object = cc::read_elf(made, "plain.o");
    if (!object) return object.error().sentence;
    const auto image = cc::link({&*object, 1}, true);
    return image ? "" : image.error().sentence;
  };
  const std::string variable = "plain.o: the variable v is in no file; only functions can be imported";
  EXPECT_EQ(said("extern int v; int g(int n) { return v + n; }"), variable);
  EXPECT_EQ(said("extern int v; void g(int n) { v = n; }"), variable);
  EXPECT_EQ(said("extern int v[9]; int g(int n) { return v[n]; }"), variable);
  EXPECT_EQ(said("int v(int); int (*g(void))(int) { return v; }"), "");
  EXPECT_EQ(said("int v(int), w(int (*)(int)); int g(int* n) { return w(v) + *n; }"), "");
}

TEST_F(WeftCcTest, SaysWhatIsNoObject) {
  const auto said = [this](const std::vector<std::string>& flags) {
    std::string notes;
    const std::string source = directory_.write("a.c", "int f(void) { return 1; }"),
                      made = directory_.file("made");
    if (auto done = cc::compile(source, made, flags, notes); !done) return done.error().sentence;
    const auto object = cc::read_elf(made, "a.c");
    return object ? "" : object.error().sentence;
  };
  EXPECT_NE(said({"-fsyntax-only"}).find("a.c: clang made no object file of it"), std::string::npos);
  EXPECT_EQ(said({"-flto"}), "a.c: it is bitcode of clang, no object file; leave out -flto and -emit-llvm");
  EXPECT_EQ(said({"-S"}), "a.c: it is no object file for BPF");
  EXPECT_EQ(said({}), "");
}

// One byte of an object is another: it is refused in a sentence, or still makes an image.
TEST_F(WeftCcTest, DamagedObjects) {
  std::string notes;
  const std::string made = directory_.file("made");
  const std::string source = directory_.write("a.c", R"(
      static const char text[] = "hello"; static int table[4] = {1, 2, 3, 4}; static int zeros[10];
      __attribute__((noinline)) static int f(int a) { zeros[a & 7] += a; return table[a & 3] + text[a & 3]; }
      int helper(int); int (*pointers[3])(int) = {f, f, helper};
      int g(int a) { return pointers[a & 1](a) + f(a) + helper(a); })");
  ASSERT_TRUE(cc::compile(source, made, {"-g0"}, notes));
  const std::string text = directory_.read("made");
  std::vector<uint8_t> bytes(text.begin(), text.end());
  size_t refused = 0, linked = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint8_t good = bytes[i];
    for (uint8_t other : {uint8_t(0), uint8_t(1), uint8_t(0x80), uint8_t(0xff)}) {
      bytes[i] = other;
      const auto object = cc::parse_elf(bytes, "a.o");
      const auto image = object ? cc::link({&*object, 1}, true) : Result<Image>(object.error());
      ++(image ? linked : refused);
      EXPECT_TRUE(image ? bool(read_image(write_image(*image))) : !image.error().sentence.empty()) << i;
    }
    bytes[i] = good;
  }
  EXPECT_GT(refused, 500u);
  EXPECT_GT(linked, 500u);
}

// The texts of compilers that are not here.
TEST(ExplainTest, ByTheCompiler) {
  const auto said = [](const char* messages, const char* name, const char* cpu) {
    return cc::explain(messages, "a.c", {name, cpu});
  };
  const std::string old =
      "this compiler has no signed division and modulo; install clang-19, or divide "
      "unsigned numbers\n";
  EXPECT_EQ(
      said("Error at line 1: Unsupport signed division for DAG: 0x1: i32 = sdiv 0x2, 0x3, a.c:1:28"
           "Please convert to unsigned div/mod.\n"
           "fatal error: error in backend: Cannot select: 0x1: i32 = sdiv 0x2, 0x3, a.c:1:28\n"
           "  0x2: i32,ch = CopyFromReg 0x4, Register:i32 %0\nIn function: f\n"
           "PLEASE submit a bug report to\nStack dump:\n 0. words\nclang: error: clang frontend command "
           "failed with exit code 70\n",
           "clang-14", "-mcpu=v3"),
      "a.c:1:28: " + old);
  const char* newer = "b.h:1:2: error: unsupported signed division, please convert to unsigned div/mod.\n";
  EXPECT_EQ(said(newer, "clang", "-mcpu=v3"), "b.h:1:2: " + old);
  EXPECT_EQ(said(newer, "clang-19", "-mcpu=v4"),
            "b.h:1:2: there is no signed division and modulo with the -mcpu that was asked for; "
            "leave that flag out\n");
  const char* unknown =
      "fatal error: error in backend: Cannot select: 0x1: ch = trap 0x2\n  0x2: ch = x\nIn function: f\n";
  EXPECT_EQ(said(unknown, "clang-19", "-mcpu=v4"), unknown);
  EXPECT_EQ(said("a.c:1:2: warning: odd\n  x\na.c:1:3: error: defined with too many args\n  y\n"
                 "1 warning and 1 error generated.\n",
                 "clang-14", "-mcpu=v3"),
            "a.c:1:2: warning: odd\n  x\n"
            "a.c:1:3: a function takes at most five arguments; pass a pointer to a structure\n");
  EXPECT_EQ(said("clang: error: no such file or directory: 'b.c'\n", "clang-14", "-mcpu=v3"),
            "clang: error: no such file or directory: 'b.c'\n");
}

}  // namespace
}  // namespace weft::vm::test
