// SPDX-License-Identifier: Apache-2.0
#include "mee/loaded.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "nodeos_api/credential.h"
#include "tests/unit/mee/node_fixture.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft::mee {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class LoadedTest : public WithManager {
 protected:
  void add(std::string name, std::string path, std::vector<std::string> arguments = {},
           an_Cred cred = nullptr) {
    arguments.insert(arguments.begin(), name);
    manager_->add(name, Restart::kNever,
                  std::make_unique<Loaded>(path, arguments, static_cast<Host&>(*this), cred));
  }
  std::string why_not(std::string_view name) {
    const auto started = manager_->start(name);
    return started ? "it started" : started.error().sentence;
  }
  // Whether the file's code is in this process.
  static bool is_mapped(const std::string& path) {
    std::ifstream maps("/proc/self/maps");
    const std::string all((std::istreambuf_iterator<char>(maps)), {});
    return all.find(std::filesystem::canonical(path).string()) != std::string::npos;
  }
  size_t domains() { return node_.root().children().front()->children().size(); }
};

TEST_F(LoadedTest, LivesInADomainOfItsOwn) {
  add("small", WEFT_SMALL_EE);
  ASSERT_TRUE(manager_->start("small"));
  EXPECT_EQ(domains(), 1u);
  EXPECT_NE(view("small").facts.domain, nullptr);
  EXPECT_THAT(logged(), HasSubstr(": small\n"));  // its argv[0]
  ASSERT_TRUE(manager_->stop("small"));
  EXPECT_EQ(domains(), 0u);
  EXPECT_THAT(logged(), HasSubstr("exit, in its domain"));
  ASSERT_TRUE(manager_->start("small"));
}

TEST_F(LoadedTest, ItsDomainMayEndOtherwise) {
  add("small", WEFT_SMALL_EE);
  ASSERT_TRUE(manager_->start("small"));
  ASSERT_EQ(an_domainDestroy(view("small").facts.domain), AN_OK);
  EXPECT_EQ(state("small"), "failed");
  EXPECT_EQ(view("small").last, "its domain was ended");
}

TEST_F(LoadedTest, WhyItCannotStart) {
  add("gone", "/nowhere/ee.so");
  add("none", WEFT_NO_EE);
  add("asks", WEFT_ASKS_EE);
  add("refuses", WEFT_SMALL_EE, {"refuse"});
  EXPECT_EQ(why_not("gone"), "/nowhere/ee.so: No such file or directory");
  EXPECT_THAT(why_not("none"), HasSubstr("is no EE: it does not define an_eeInit"));
  EXPECT_THAT(why_not("asks"), HasSubstr("undefined symbol: an_thereIsNoSuchCall"));
  EXPECT_EQ(why_not("refuses"), "an_eeInit refused: AN_EPERM (" + std::to_string(AN_EPERM) + ")");
  EXPECT_EQ(domains(), 0u);
}

TEST_F(LoadedTest, ItsOwnWordsSayWhyItRefused) {
  add("opens", WEFT_SMALL_EE, {"open", "eth7"});
  EXPECT_THAT(why_not("opens"), StartsWith("an_eeInit refused: eth7: column 1: "));
}

TEST_F(LoadedTest, DrawsOnItsPrincipal) {
  Principal tenant{.name = "tenant", .limits = {.domains = 1}};
  ASSERT_TRUE(node_.principals().add(std::move(tenant), geni_, 0));
  const Credential* cred = credential_of(nullptr, node_, node_.principals().named("tenant"));
  const Quota& quota = node_.principals().named("tenant")->quota;
  const testing::TemporaryDirectory folder;
  std::filesystem::copy_file(WEFT_SMALL_EE, folder.file("copy.so"));
  add("first", WEFT_SMALL_EE, {}, cred->handle());
  add("second", folder.file("copy.so"), {}, cred->handle());
  ASSERT_TRUE(manager_->start("first"));
  EXPECT_EQ(find<Domain>(view("first").facts.domain)->quota(), &quota);
  EXPECT_EQ(why_not("second"), "principal 'tenant' has all the 1 domains that it may have");
  ASSERT_TRUE(manager_->stop("first"));
  EXPECT_EQ(quota.domains(), 0u);
  EXPECT_TRUE(manager_->start("second"));
}

TEST_F(LoadedTest, OneFileIsOneEe) {
  const testing::TemporaryDirectory folder;
  std::filesystem::copy_file(WEFT_SMALL_EE, folder.file("copy.so"));
  add("first", WEFT_SMALL_EE);
  add("second", WEFT_SMALL_EE);
  add("copy", folder.file("copy.so"));
  ASSERT_TRUE(manager_->start("first"));
  EXPECT_THAT(why_not("second"), HasSubstr("is loaded for another EE, which would share its variables"));
  EXPECT_TRUE(manager_->start("copy"));
  ASSERT_TRUE(manager_->stop("first"));
  EXPECT_TRUE(manager_->start("second"));
}

TEST_F(LoadedTest, ItsConstructorsRunInItsDomain) {
  add("small", WEFT_SMALL_EE, {"at load"});
  EXPECT_EQ(why_not("small"), "it started");
}

TEST_F(LoadedTest, ItsCodeGoesWhenSomethingElseIsLoaded) {
  const testing::TemporaryDirectory folder;
  std::filesystem::copy_file(WEFT_SMALL_EE, folder.file("copy.so"));
  add("copy", folder.file("copy.so"));
  add("small", WEFT_SMALL_EE);
  ASSERT_TRUE(manager_->start("copy"));
  ASSERT_TRUE(manager_->stop("copy"));
  ASSERT_TRUE(manager_->start("small"));
  EXPECT_FALSE(is_mapped(folder.file("copy.so")));
}

// A thread that runs on in code that is gone would take this process with it.
TEST_F(LoadedTest, ItsCodeStaysAsLongAsOneOfItsThreads) {
  std::atomic<int> may_go = 0;
  const testing::TemporaryDirectory folder;
  const std::string file = folder.file("copy.so");
  std::filesystem::copy_file(WEFT_SMALL_EE, file);
  add("copy", file, {"stay", std::to_string(reinterpret_cast<uintptr_t>(&may_go))});
  add("other", WEFT_SMALL_EE);
  ASSERT_TRUE(manager_->start("copy"));
  ASSERT_TRUE(manager_->stop("copy"));
  EXPECT_THAT(logged(), HasSubstr("it goes on without"));
  ASSERT_TRUE(manager_->start("other"));
  EXPECT_TRUE(is_mapped(file));
  EXPECT_EQ(why_not("copy"), file +
                                 " is still needed by what an EE of it left when it ended: a thread that has "
                                 "not returned, or memory in packets that are on their way");

  std::filesystem::copy_file(WEFT_SMALL_EE, folder.file("next.so"));
  std::filesystem::rename(folder.file("next.so"), file);  // another file of that name
  may_go = 1;
  EXPECT_EQ(why_not("copy"), "it started");
  ASSERT_TRUE(manager_->stop("copy"));
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!manager_->start("copy") && std::chrono::steady_clock::now() < soon) {
    node_.serve();
    std::this_thread::yield();
  }
  EXPECT_EQ(state("copy"), "running");
  ASSERT_TRUE(manager_->stop("copy"));
  ASSERT_TRUE(manager_->stop("other"));
  ASSERT_TRUE(manager_->start("other"));
}

}  // namespace
}  // namespace weft::mee
