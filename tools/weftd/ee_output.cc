// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/ee_output.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>

#include "base/printable.h"

namespace weft {

namespace {

constexpr int kMostReads = 16;  // so that an EE that always writes does not keep the control thread

}  // namespace

bool EeOutput::read(int fd) {
  char buffer[4096];
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    take({buffer, size_t(n)});
  }
  return true;
}

void EeOutput::take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      say_line();
    } else if (line_.size() < kLongest) {
      line_ += c;
    } else {
      cut_ = true;
    }
  }
}

void EeOutput::finish() {
  if (!line_.empty()) say_line();
  say_lost();
}

void EeOutput::say_lost() {
  if (const uint64_t lost = limit_.take_lost(); lost > 0)
    log_.warn("ee {}: {} lines were too many, and are lost", name_, lost);
}

void EeOutput::say_line() {
  const std::string line = std::exchange(line_, {});
  const bool cut = std::exchange(cut_, false);
  if (!limit_.allows()) return;
  say_lost();
  log_.info("ee {}: {}{}", name_, printable(line), cut ? "..." : "");
}

}  // namespace weft
