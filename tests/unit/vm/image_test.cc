// SPDX-License-Identifier: Apache-2.0
#include "vm/image.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "tests/unit/vm/machines.h"
#include "vm/disassemble.h"

namespace weft::vm::test {
namespace {

// One of everything: a table of functions in rodata, variables in data and bss, an import.
Image full_image() {
  Image i;
  i.text = assemble(
      "r6 = 0 ll; r7 = *(u64 *)(r6 + 8); callx r7; r8 = 0 ll; r1 = *(u64 *)(r8 + 0); r1 += r0; *(u64 *)(r8 + "
      "16) = r1;"
      "r2 = r8; r3 = 8; r1 = r8; r1 += 16; call helper 0; r0 = *(u64 *)(r8 + 16); exit;"
      "one: r0 = 1; exit; two: r0 = 2; exit");
  i.rodata.resize(16);
  i.data = {40, 0, 0, 0, 0, 0, 0, 0};
  i.bss_bytes = 16;
  const uint32_t one = uint32_t(i.text.size()) - 4, two = one + 2;
  i.symbols = {{Symbol::Kind::kExport, 0, "main"},
               {Symbol::Kind::kFunction, one, "one"},
               {Symbol::Kind::kFunction, two, "two"},
               {Symbol::Kind::kObject, i.data_offset(), "counter"}};
  i.imports = {"memcpy"};
  i.relocations = {{Relocation::Kind::kLddwStatic, 0, 0},
                   {Relocation::Kind::kLddwStatic, 4, i.data_offset()},
                   {Relocation::Kind::kCallImport, 13, 0},
                   {Relocation::Kind::kDataFunction, 0, one},
                   {Relocation::Kind::kDataFunction, 8, two}};
  return i;
}

TEST(ImageTest, IsReadAsItWasWritten) {
  const Image i = full_image();
  auto again = read_image(write_image(i));
  ASSERT_TRUE(again) << again.error().sentence;
  EXPECT_TRUE(*again == i);
}

TEST(ImageTest, IsLinkedAndRuns) {
  Machines machines;
  const Trace t = machines.run(full_image(), {.entry = "main"});
  EXPECT_STREQ(to_text(t.outcome.fault), "none");
  EXPECT_EQ(t.outcome.r0, 40u);  // memcpy put the old value over the sum
}

TEST(ImageTest, NamesWhatIsMissing) {
  Machines machines;
  Image i = full_image();
  i.imports = {"launch_missiles"};
  EXPECT_EQ(machines.refusal(i), "nothing offers the function 'launch_missiles' that the program calls");
}

TEST(ImageTest, IsDumpedWithNames) {
  const std::string text = dump(full_image());
  for (const char* part : {"export main", "import memcpy", "variable counter at statics + 0x1000",
                           "\nmain:\n", "\ntwo:\n", "call memcpy", "r8 = counter", "statics + 0x8: two"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ImageTest, WhatIsCutOffIsRefused) {
  const std::vector<uint8_t> bytes = write_image(full_image());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(read_image({bytes.data(), length})) << length;
  }
  std::vector<uint8_t> longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(read_image(longer));
}

// Whatever is wrong, the sentence says so.
TEST(ImageTest, WrongImagesAreRefusedWithAReason) {
  using Kind = Relocation::Kind;
  struct Case {
    const char* reason;
    std::function<void(Image&)> spoil;
  };
  const Case cases[] = {
      {"no instructions", [](Image& i) { i.text.clear(); }},
      {"twice",
       [](Image& i) {
         i.symbols.push_back({Symbol::Kind::kExport, 0, "main"});
       }},
      {"symbol far lies outside",
       [](Image& i) {
         i.symbols.push_back({Symbol::Kind::kExport, 99, "far"});
       }},
      {"symbol far lies outside",
       [](Image& i) {
         i.symbols.push_back({Symbol::Kind::kObject, 9999, "far"});
       }},
      {"not printable", [](Image& i) { i.symbols[0].name = "a b"; }},
      {"not printable", [](Image& i) { i.symbols[0].name = ""; }},
      {"not printable", [](Image& i) { i.imports[0] = "\n"; }},
      {"unknown kind", [](Image& i) { i.symbols[0].kind = Symbol::Kind(3); }},
      {"unknown kind", [](Image& i) { i.relocations[0].kind = Kind(7); }},
      {"outside", [](Image& i) { i.relocations[0].where = 9999; }},
      {"outside", [](Image& i) { i.relocations[0].target = 0x7fffffff; }},
      {"outside", [](Image& i) { i.relocations[2].target = 1; }},
      {"outside", [](Image& i) { i.relocations[3].where = 9; }},
      {"outside", [](Image& i) { i.relocations[3].target = 9999; }},
      {"outside",
       [](Image& i) {
         i.relocations.push_back({Kind::kDataStatic, i.data_offset() + 8, 0});
       }},
      {"which is none", [](Image& i) { i.relocations[2].where = 3; }},
      {"which is none", [](Image& i) { i.relocations[0].where = 2; }},
  };
  for (const Case& c : cases) {
    Image i = full_image();
    c.spoil(i);
    auto read = read_image(write_image(i));
    ASSERT_FALSE(read) << c.reason;
    EXPECT_NE(read.error().sentence.find(c.reason), std::string::npos) << read.error().sentence;
  }
}

// Any byte changed: an error, or an image that is written as it was read.
TEST(ImageTest, EveryByteMayBeAnything) {
  const std::vector<uint8_t> bytes = write_image(full_image());
  std::minstd_rand random(7);
  Machines machines;
  size_t linked = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int n = 0; n < 8; ++n) {
      std::vector<uint8_t> changed = bytes;
      changed[at] = n == 0 ? 0xff : uint8_t(random());
      auto image = read_image(changed);
      if (!image) continue;
      EXPECT_EQ(write_image(*image), changed);
      linked += machines.refusal(*image).empty();
    }
  }
  EXPECT_GT(linked, 0u);
}

}  // namespace
}  // namespace weft::vm::test
