// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/clang.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/owned_fd.h"
#include "tools/weft_cc/explain.h"

extern char** environ;

namespace weft::cc {

namespace {

// The newest first: from v4 on, signed division, sign-extending loads and long jumps are there.
constexpr Compiler kCompilers[] = {{"clang-19", "-mcpu=v4"}, {"clang-14", "-mcpu=v3"}, {"clang", "-mcpu=v3"}};

struct Ended {
  int status;
  std::string messages;
};

Result<Ended> run(const std::vector<std::string>& words) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("a pipe for " + words[0], errno);
  OwnedFd from(ends[0]), to(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to.get(), STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  to.reset();
  if (error != 0) return system_error("start " + words[0], error);
  Ended ended{};
  std::array<char, 4096> buffer{};
  for (ssize_t n; (n = ::read(from.get(), buffer.data(), buffer.size())) != 0;) {
    if (n > 0) ended.messages.append(buffer.data(), size_t(n));
    if (n < 0 && errno != EINTR) break;
  }
  while (::waitpid(child, &ended.status, 0) < 0 && errno == EINTR) {
  }
  return ended;
}

// Without a word why.
bool crashed(const std::string& messages) {
  return messages.find("\nStack dump:\n") != std::string::npos &&
         messages.find("error in backend: ") == std::string::npos;
}

}  // namespace

Result<void> compile(const std::string& source, const std::string& object,
                     const std::vector<std::string>& flags, std::string& notes) {
  for (const Compiler& compiler : kCompilers) {
    std::vector<std::string> words = {
        compiler.name, "-target",        "bpf",          compiler.cpu,
        "-O2",         "-ffreestanding", "-fno-builtin", "-fno-crash-diagnostics",
        "-std=c11",    "-Wall"};
    words.emplace_back("-g");  // messages name the line, and the object says which names are variables
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"-c", source, "-o", object});
    auto ended = run(words);
    if (ended && crashed(ended->messages)) {
      words.emplace_back("-g0");  // clang-19 does on an alias
      ended = run(words);
    }
    if (!ended) {
      if (ended.error().code == Code::kNotFound) continue;
      return ended.error();
    }
    if (WIFEXITED(ended->status) && WEXITSTATUS(ended->status) == 0) {
      notes += ended->messages;
      if (::access(object.c_str(), R_OK) == 0) return {};
      return Error{Code::kInvalid,
                   source + ": clang made no object file of it; leave out the flag that says so"};
    }
    return Error{Code::kInvalid, explain(ended->messages, source, compiler)};
  }
  return Error{Code::kNotFound, "there is no clang; install clang-19 (or clang-14)"};
}

}  // namespace weft::cc
