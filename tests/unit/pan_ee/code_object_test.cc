// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_object.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "pan_ee/code_cache.h"
#include "pan_ee/code_folder.h"
#include "pan_ee/code_loader.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft::pan {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t kProgram[] = {1, 2, 3, 4, 5};

Bytes good() { return write_code_object(1, "good", kProgram); }

// The same, under the name that is its hash.
Bytes named(Bytes bytes, HashKind kind = HashKind::kSha256) {
  const std::string_view hashed(reinterpret_cast<const char*>(bytes.data()) + 40, bytes.size() - 40);
  name_of(kind, hashed).write(&bytes[7]);
  return bytes;
}

std::string complaint(const Bytes& bytes) {
  const auto object = read_code_object(bytes);
  return object ? "" : object.error().sentence;
}

TEST(CodeObjectTest, ReadsWhatWasWritten) {
  const auto object = read_code_object(good());
  ASSERT_TRUE(object) << object.error().sentence;
  EXPECT_EQ(object->symbolic_name, "good");
  EXPECT_EQ(object->pni_version, 1);
  EXPECT_EQ(object->program, Bytes(std::begin(kProgram), std::end(kProgram)));
  EXPECT_EQ(object->name.bytes[0], uint8_t(HashKind::kSha256));
  EXPECT_EQ(write_code_object(object->pni_version, object->symbolic_name, object->program), good());
}

TEST(CodeObjectTest, OldKindsOfNamesAreRead) {
  for (HashKind kind : {HashKind::kSha1, HashKind::kMd5}) {
    const auto object = read_code_object(named(good(), kind));
    ASSERT_TRUE(object) << object.error().sentence;
    EXPECT_EQ(object->name.bytes[0], uint8_t(kind));
  }
}

TEST(CodeObjectTest, EveryMistakeIsASentence) {
  const auto with = [](size_t at, uint8_t value) {
    Bytes bytes = good();
    bytes[at] = value;
    return bytes;
  };
  Bytes longer = good();
  longer.push_back(0);
  const Bytes whole = good();
  EXPECT_EQ(complaint({}), "code object: it does not begin as one, with WEFTPCO");
  EXPECT_EQ(complaint(with(0, 'w')), "code object: it does not begin as one, with WEFTPCO");
  EXPECT_EQ(complaint({whole.begin(), whole.begin() + 47}),
            "code object: it ends within its header of 48 bytes");
  EXPECT_EQ(complaint(with(7, 9)), "code object: its name is of no known kind of hash");
  EXPECT_EQ(complaint(with(43, 2)), "code object: its format is version 2, this node reads version 1");
  EXPECT_EQ(complaint(with(41, 7)), "code object: it is of type 7, only programs are known");
  EXPECT_EQ(complaint({whole.begin(), whole.end() - 1}),
            "code object: section 2 has 5 bytes, of which 4 are there");
  EXPECT_EQ(complaint({whole.begin(), whole.begin() + 62}), "code object: it ends before its section 2");
  EXPECT_EQ(complaint(longer), "code object: 1 bytes follow its last section");
  EXPECT_EQ(complaint(with(49, 1)), "code object: section 1 is of type 1, which this node does not know");
  EXPECT_EQ(complaint(with(49, 3)),
            "code object: section 2 is out of order, or has bytes set that must be zero");
  EXPECT_EQ(complaint(with(51, 1)),
            "code object: section 1 is out of order, or has bytes set that must be zero");
  EXPECT_EQ(complaint(with(47, 1)), "code object: 13 bytes follow its last section");
  EXPECT_EQ(
      complaint(named(with(56, ' '))),
      "code object: its symbolic name has 4 characters; 1 to 64 printable ones, and no space, are allowed");
  EXPECT_EQ(complaint(write_code_object(1, "empty", {})), "code object: it has no program");
  EXPECT_EQ(complaint(Bytes(whole.begin(), whole.end())), "");
  Bytes large = good();
  large.resize(kMaxCodeObject + 1);
  EXPECT_EQ(complaint(large), "code object: 4194305 bytes, at most 4194304 are allowed");
}

TEST(CodeObjectTest, NobodyBearsAnothersName) {
  Bytes changed = good();
  changed.back() ^= 1;
  EXPECT_EQ(complaint(changed), "code object: it calls itself " + to_text(read_code_object(good())->name) +
                                    ", but is " + to_text(CodeName::at(&named(changed)[7])));
}

TEST(CodeFolderTest, TakesTheFilesThatAreCodeObjectsByName) {
  const testing::TemporaryDirectory folder;
  const Bytes bytes = good();
  folder.write("b.pco", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  folder.write("a.pco", "no code");
  folder.write("readme.txt", "no code either");
  std::filesystem::create_directory(folder.file("c.pco"));
  const auto files = read_code_folder(folder.file("."));
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 3u);
  EXPECT_EQ((*files)[0].file, "a.pco");
  EXPECT_EQ((*files)[0].object.error().sentence, "code object: it does not begin as one, with WEFTPCO");
  EXPECT_EQ((*files)[1].object->symbolic_name, "good");
  EXPECT_EQ((*files)[2].object.error().sentence, "code object: it is no file");
  const auto nowhere = read_code_folder(folder.file("nowhere"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Code::kNotFound);
}

TEST(CodeCacheTest, FindsEachByItsName) {
  const auto loader = CodeLoader::create(Engine::kInterpreter, *parse_address("10.0.0.1"));
  ASSERT_TRUE(loader);
  auto forward = read_code_folder(WEFT_CODE_FOLDER)->front().object;
  ASSERT_TRUE(forward) << forward.error().sentence;
  CodeCache cache;
  const auto find = [&](const CodeName& name, uint8_t behind) {
    uint8_t place[CodeCache::kPlace] = {};
    name.write(place);
    place[CodeCache::kPlace - 1] = behind;
    return cache.find(place);
  };
  EXPECT_EQ(find({}, 0), nullptr);
  for (int i = 0; i < 100; ++i) {
    forward->name = name_of(std::to_string(i));
    EXPECT_EQ(find(forward->name, 0), nullptr);
    for (bool first : {true, false}) {
      auto loaded = (*loader)->load(*forward);
      ASSERT_TRUE(loaded) << loaded.error().sentence;
      EXPECT_EQ(cache.add(std::move(*loaded)), first);
    }
  }
  ASSERT_EQ(cache.objects().size(), 100u);
  for (const auto& object : cache.objects()) {
    EXPECT_EQ(find(object->name(), 0), object.get());
    EXPECT_EQ(find(object->name(), 1), nullptr);
  }
  EXPECT_EQ(find({}, 0), nullptr);
}

}  // namespace
}  // namespace weft::pan
