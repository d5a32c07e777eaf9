// SPDX-License-Identifier: Apache-2.0
// A confined fence_probe, and what it says.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <string>

#include "isolation/process.h"

namespace weft::isolation {

struct Outcome {
  std::string said;
  Death death;
  Fences fences;
};

inline bool readable(int fd, int ms) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, ms) == 1;
}

// A process of the probe, which tries `words`.
inline Confinement probe(std::vector<std::string> words) {
  Confinement wish{.name = "probe",
                   .argv = {WEFT_FENCE_PROBE},
                   .environment = {"WEFT_SNOW_FD=3"},
                   .libraries = "",
                   .user = ""};
  wish.argv.insert(wish.argv.end(), words.begin(), words.end());
  return wish;
}

struct Sockets {
  OwnedFd ours, theirs;
};
inline Sockets make_sockets() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  return {OwnedFd(fds[0]), OwnedFd(fds[1])};
}

inline std::string all_output(Process& process) {
  std::string said;
  char buffer[4096];
  while (readable(process.output(), 20'000)) {
    const ssize_t n = ::read(process.output(), buffer, sizeof buffer);
    if (n <= 0) break;
    said.append(buffer, size_t(n));
  }
  return said;
}

inline Death wait_for(Process& process) {
  EXPECT_TRUE(readable(process.pidfd(), 20'000)) << "it did not end";
  const auto death = process.reap();
  EXPECT_TRUE(death.has_value());
  return death.value_or(Death{});
}

inline Outcome run(const Confinement& wish) {
  Sockets sockets = make_sockets();
  auto process = Process::start(wish, std::move(sockets.theirs));
  if (!process) {
    ADD_FAILURE() << process.error().sentence;
    return {};
  }
  std::string said = all_output(*process);
  const Death death = wait_for(*process);
  return {std::move(said), death, process->fences()};
}
inline Outcome attempt(std::vector<std::string> words) { return run(probe(std::move(words))); }

inline bool has(const std::vector<std::string>& list, std::string_view begin) {
  for (const std::string& each : list) {
    if (each.starts_with(begin)) return true;
  }
  return false;
}

}  // namespace weft::isolation
