// SPDX-License-Identifier: Apache-2.0
// EeOutput: what an EE writes on its standard output and error, as lines of weftd's log.
//
// An EE can neither fill the log nor forge it: lines are at most 1000 bytes, 50 in a second,
// and what a terminal would obey is shown as \x1b.  What is too much is lost, and how much
// is said.
//
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "tools/weftd/line_limit.h"

namespace weft {

class EeOutput {
 public:
  static constexpr size_t kLongest = 1000;
  static constexpr uint64_t kLinesPerSecond = LineLimit::kLinesPerSecond;

  EeOutput(std::string name, Clock& clock, Logger& log) : name_(std::move(name)), limit_(clock), log_(log) {}
  ~EeOutput() { finish(); }

  // Takes what there is to be read.  False at the end of the stream.
  bool read(int fd);
  // The last line may have no end.
  void finish();

 private:
  void take(std::string_view bytes);
  void say_line();
  void say_lost();

  const std::string name_;
  LineLimit limit_;
  Logger& log_;
  std::string line_;
  bool cut_ = false;  // the line was too long
};

}  // namespace weft
