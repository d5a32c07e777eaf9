// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/ee_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "base/owned_fd.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;

class EeOutputTest : public ::testing::Test {
 protected:
  EeOutputTest() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    read_ = OwnedFd(fds[0]);
    write_ = OwnedFd(fds[1]);
    log_.set_pattern("%v");
  }
  bool say(std::string_view bytes) {
    EXPECT_EQ(::write(write_.get(), bytes.data(), bytes.size()), ssize_t(bytes.size()));
    return output_.read(read_.get());
  }
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::istringstream in(text_.str());
    for (std::string line; std::getline(in, line);) all.push_back(line);
    text_.str("");
    return all;
  }

  ManualClock clock_;
  std::ostringstream text_;
  Logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
  OwnedFd read_, write_;
  EeOutput output_{"x", clock_, log_};
};

TEST_F(EeOutputTest, LinesComeWhenTheyAreWhole) {
  EXPECT_TRUE(say("one\ntw"));
  EXPECT_THAT(lines(), ElementsAre("ee x: one"));
  EXPECT_TRUE(say("o\n\nthree"));
  EXPECT_THAT(lines(), ElementsAre("ee x: two", "ee x: "));
  write_.reset();
  EXPECT_FALSE(output_.read(read_.get()));
  output_.finish();
  EXPECT_THAT(lines(), ElementsAre("ee x: three"));
}

TEST_F(EeOutputTest, WhatATerminalWouldObeyIsShown) {
  say(std::string_view("\033[2J\r\a\0x\x7f\n", 10));
  EXPECT_THAT(lines(), ElementsAre("ee x: \\x1b[2J\\x0d\\x07\\x00x\\x7f"));
}

TEST_F(EeOutputTest, LongLinesAreCut) {
  say(std::string(3000, 'a') + "\nb\n");
  const auto said = lines();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].size(), std::string("ee x: ...").size() + EeOutput::kLongest);
  EXPECT_THAT(said[0], EndsWith("..."));
  EXPECT_EQ(said[1], "ee x: b");
}

TEST_F(EeOutputTest, TooManyLinesAreCountedAndLost) {
  for (uint64_t i = 0; i < EeOutput::kLinesPerSecond + 7; ++i) say("line\n");
  EXPECT_EQ(lines().size(), EeOutput::kLinesPerSecond);
  clock_.advance_ns(1'000'000'000);
  say("again\n");
  EXPECT_THAT(lines(), ElementsAre("ee x: 7 lines were too many, and are lost", "ee x: again"));
}

}  // namespace
}  // namespace weft
