// SPDX-License-Identifier: Apache-2.0
// What the conformance suite cannot see: that the ledger and the disk agree, whatever is
// done, and what a space finds when it starts.
#include "nodeos_api/file_space.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "nodeos_api/beneath.h"
#include "nodeos_api/file_measure.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr FileQuota kQuota{.bytes = 20'000, .files = 12, .open = 6};

class FileSpaceTest : public ::testing::Test {
 protected:
  std::unique_ptr<FileSpace> open(const FileQuota& quota = kQuota) {
    auto space = FileSpace::open(root_, quota);
    EXPECT_TRUE(space) << space.error().sentence;
    return space ? std::move(*space) : nullptr;
  }
  FileUse measured() const {
    const OwnedFd fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY));
    return *measure_files(fd.get());
  }

  const testing::TemporaryDirectory directory_;
  const fs::path folder_ = directory_.file(""), root_ = directory_.file("root");
};

std::span<const uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST_F(FileSpaceTest, MakesItsRootButNotWhatIsAbove) {
  EXPECT_EQ(open()->use(), FileUse{});
  EXPECT_EQ(fs::status(root_).permissions(), fs::perms::owner_all);
  const auto refused = FileSpace::open(folder_ / "none" / "root", kQuota);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);
  std::ofstream(folder_ / "file") << "x";
  EXPECT_FALSE(FileSpace::open(folder_ / "file", kQuota));
}

TEST_F(FileSpaceTest, TheRootIsOneSpacesAlone) {
  auto space = open();
  const auto second = FileSpace::open(root_, kQuota);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
  space.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(FileSpaceTest, MeasuresWhatIsThere) {
  fs::create_directories(root_ / "a/b/c");
  std::ofstream(root_ / "a/file") << "12345";
  std::ofstream(root_ / "a/b/file") << "123";
  fs::create_hard_link(root_ / "a/file", root_ / "a/b/same");
  fs::create_symlink("../outside", root_ / "link");
  fs::create_directory(folder_ / "outside");
  std::ofstream(folder_ / "outside/file") << "not counted";
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(open()->use(), (FileUse{.bytes = 8, .files = 7}));
}

TEST_F(FileSpaceTest, StartsAboveTheQuotaAndOnlyShrinks) {
  fs::create_directory(root_);
  std::ofstream(root_ / "big") << std::string(30'000, 'x');
  auto space = open();
  EXPECT_EQ(space->use().bytes, 30'000u);
  const auto file = *space->open_file("big", {.write = true});
  EXPECT_FALSE(file->write_at(30'000, bytes("x")));
  EXPECT_TRUE(file->write_at(29'999, bytes("y")));
  EXPECT_TRUE(file->truncate(25'000));
  EXPECT_FALSE(file->truncate(25'001));
  EXPECT_TRUE(file->truncate(10'000));
  EXPECT_TRUE(file->truncate(20'000));
}

// Renaming builds trees that no path reaches the bottom of; they are measured with few descriptors.
TEST_F(FileSpaceTest, MeasuresTreesOfAnyDepth) {
  constexpr int kDeep = 70;
  const std::string name(50, 'd');
  fs::create_directory(root_);
  std::string names;
  for (int i = 0; i < kDeep; ++i) names += name + '/';
  for (const char* tree : {"one", "two", "three"}) fs::create_directories(root_ / tree / names);
  {
    auto space = open({.bytes = 0, .files = 1000, .open = 1});
    ASSERT_TRUE(space->rename("two", "one/" + names + "two"));
    ASSERT_TRUE(space->rename("one", "three/" + names + "one"));
  }
  rlimit before;
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  EXPECT_EQ(measured().files, 3u * (kDeep + 1));
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(FileSpaceTest, AFileOfSeveralNamesIsOneFile) {
  fs::create_directory(root_);
  std::ofstream(root_ / "a") << "12345";
  fs::create_hard_link(root_ / "a", root_ / "b");
  auto space = open();
  EXPECT_TRUE(space->remove_file("a"));
  EXPECT_EQ(space->use(), (FileUse{.bytes = 5, .files = 1}));
  EXPECT_TRUE(space->remove_file("b"));
  EXPECT_EQ(space->use(), FileUse{});
}

TEST_F(FileSpaceTest, ADirectoryThatIsOpenCountsUntilItIsClosed) {
  auto space = open();
  ASSERT_TRUE(space->make_dir("a"));
  auto dir = *space->open_dir("a");
  ASSERT_TRUE(space->remove_dir("a"));
  EXPECT_EQ(space->use(), (FileUse{.files = 1, .open = 1}));
  EXPECT_FALSE((*dir->next()).has_value());
  dir.reset();
  EXPECT_EQ(space->use(), FileUse{});
}

// A disk that takes less than it was given.
TEST_F(FileSpaceTest, AFailedWriteGivesBackWhatItTook) {
  auto space = open({.bytes = UINT64_MAX, .files = 12, .open = 6});
  const auto file = *space->open_file("a", {.write = true, .create = true});
  ASSERT_TRUE(file->write_at(0, bytes("123")));
  for (const uint64_t far : {uint64_t{INT64_MAX} - 5, uint64_t{1} << 62}) {
    EXPECT_FALSE(file->write_at(far, bytes("x")));
    EXPECT_FALSE(file->truncate(far));
    EXPECT_EQ(space->use().bytes, 3u);
  }
}

TEST_F(FileSpaceTest, ChangesFromOutsideNeverMakeMoreRoomThanThereIs) {
  auto space = open();
  const auto file = *space->open_file("a", {.write = true, .create = true});
  ASSERT_TRUE(file->write_at(0, bytes("12345")));
  fs::resize_file(root_ / "a", 15'000);
  ASSERT_TRUE(file->write_at(15'000, bytes("x")));
  ASSERT_TRUE(file->truncate(0));
  EXPECT_EQ(space->use(), (FileUse{.files = 1, .open = 1}));
  fs::remove(root_ / "a");
  ASSERT_TRUE(space->open_file("b", {.write = true, .create = true}));
  EXPECT_EQ(space->use().files, 2u);
}

// Writers in several threads: what they grow by is never taken twice, nor forgotten.
TEST_F(FileSpaceTest, ThreadsShareTheQuota) {
  // One opening less than is asked for, so that each thread has at least its own file.
  auto space = open({.bytes = 10'000, .files = 12, .open = 7});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto own = *space->open_file("own" + std::to_string(t), {.write = true, .create = true});
      const auto file = space->open_file("all", {.write = true, .create = true, .append = true});
      for (int i = 0; i < 300; ++i) {
        if (file) (void)(*file)->write(bytes("0123456789"));
        (void)own->truncate(uint64_t(i * t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(space->use(), measured());
  EXPECT_LE(space->use().bytes, 10'000u);
}

// Random steps in a small tree.  Of each file that is open the test has a descriptor of its
// own, to see what becomes of it.
class RandomSteps {
 public:
  RandomSteps(FileSpace& space, fs::path root, uint32_t seed)
      : space_(space), root_(std::move(root)), random_(seed) {}

  void step() {
    switch (below(10)) {
      case 0:
      case 1:
        return open();
      case 2:
        return (void)space_.make_dir(path());
      case 3:
        return (void)space_.remove_dir(path());
      case 4:
        return (void)space_.remove_file(path());
      case 5:
        return (void)space_.rename(path(), path());
      case 6:
        return close();
      default:
        return change();
    }
  }

  // What is open and has no name any more; how many are open.
  FileUse open_use() const {
    std::map<ino_t, uint64_t> nameless;
    for (const Open& open : open_) {
      struct stat what;
      EXPECT_EQ(::fstat(open.own.get(), &what), 0);
      if (what.st_nlink == 0) nameless[what.st_ino] = uint64_t(what.st_size);
    }
    FileUse use{.files = nameless.size(), .open = open_.size()};
    for (const auto& [inode, length] : nameless) use.bytes += length;
    return use;
  }

 private:
  struct Open {
    std::unique_ptr<OpenFile> file;
    OwnedFd own;
  };

  uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_); }
  std::string path() {
    const char* const names[] = {"a", "b", "c"};
    std::string path = names[below(3)];
    while (below(3) == 0) path += std::string("/") + names[below(3)];
    return path;
  }

  void open() {
    const std::string at = path();
    const OpenHow how{.read = true,
                      .write = true,
                      .create = below(4) > 0,
                      .exclusive = below(4) == 0,
                      .truncate = below(4) == 0,
                      .append = below(4) == 0};
    auto file = space_.open_file(at, how);
    if (file) open_.push_back({std::move(*file), OwnedFd(::open((root_ / at).c_str(), O_PATH))});
  }
  void close() {
    if (!open_.empty()) open_.erase(open_.begin() + below(uint32_t(open_.size())));
  }
  void change() {
    if (open_.empty()) return;
    OpenFile& file = *open_[below(uint32_t(open_.size()))].file;
    static const std::string text(9'000, 'x');
    const auto some = bytes(text).first(below(9'000));
    switch (below(4)) {
      case 0:
        return (void)file.truncate(below(22'000));
      case 1:
        return (void)file.write(some);
      case 2:
        return (void)file.seek(int64_t(below(22'000)), SEEK_SET);
      default:
        return (void)file.write_at(below(22'000), some);
    }
  }

  FileSpace& space_;
  const fs::path root_;
  std::mt19937 random_;
  std::vector<Open> open_;
};

TEST_F(FileSpaceTest, TheLedgerIsWhatTheDiskHolds) {
  uint64_t refused = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    auto space = open();
    {
      RandomSteps steps(*space, root_, seed);
      for (int i = 0; i < 400; ++i) {
        steps.step();
        const FileUse named = measured(), open = steps.open_use(), use = space->use();
        ASSERT_EQ(use.bytes, named.bytes + open.bytes) << "seed " << seed << ", step " << i;
        ASSERT_EQ(use.files, named.files + open.files) << "seed " << seed << ", step " << i;
        ASSERT_EQ(use.open, open.open);
        ASSERT_LE(use.bytes, kQuota.bytes);
        ASSERT_LE(use.files, kQuota.files);
        ASSERT_LE(use.open, kQuota.open);
        refused += use.files == kQuota.files;
      }
    }
    EXPECT_EQ(space->use(), measured());
    space.reset();
    fs::remove_all(root_);
  }
  EXPECT_GT(refused, 100u);  // the quota was met
}

}  // namespace
}  // namespace weft
