// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/clang.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include "base/owned_fd.h"

extern char** environ;

namespace weft::cc {

namespace {

// The newest first: from v4 on, signed division, sign-extending loads and long jumps are there.
struct Compiler {
  const char* name;
  const char* cpu;
};
constexpr Compiler kCompilers[] = {{"clang-19", "-mcpu=v4"}, {"clang-14", "-mcpu=v3"}, {"clang", "-mcpu=v3"}};

struct Explanation {
  std::string_view part;  // of clang's message
  std::string_view sentence;
};
constexpr Explanation kExplanations[] = {
    {"stack arguments are not supported",
     "a function takes at most five arguments; pass a pointer to a structure"},
    {"too many arg", "a function takes at most five arguments; pass a pointer to a structure"},
    {"pass by value not supported", "a structure is not passed by value; pass a pointer to it"},
    {"aggregate returns are not supported",
     "a structure is not returned; let the caller pass a pointer to it"},
    {"VarArgs or StructRet", "there are no '...' arguments, and no structure is returned"},
    {"variadic functions are not supported", "there are no functions with '...' arguments"},
    {"ynamic stack allocation", "an array on the stack has a constant size; there is no alloca()"},
    {"BPF stack limit", "the variables of a function take at most 512 bytes; make the large ones static"},
    {"unable to allocate function return", "no value is larger than 64 bits"},
    {"Cannot select",
     "this compiler has no signed division and modulo; install clang-19, or divide unsigned numbers"},
    {"unsupported signed division",
     "this compiler has no signed division and modulo; install clang-19, or divide unsigned numbers"},
};

// Of "A call to built-in function '__muldf3' is not supported".
std::string_view explain_builtin(std::string_view name) {
  if (name.find("ti") != std::string_view::npos) return "no value is larger than 64 bits";
  for (std::string_view mark : {"df", "sf", "tf", "hf"}) {
    if (name.find(mark) != std::string_view::npos)
      return "there are no floating point numbers; count in integers";
  }
  return "";
}

// The place in front of a message: "file.c:3:5: ".
std::string_view place(std::string_view line) {
  const size_t at = line.find(": error: ");
  return at == std::string_view::npos || line.find(".c:") == std::string_view::npos ? ""
                                                                                    : line.substr(0, at + 2);
}

std::string explain_line(std::string_view line) {
  constexpr std::string_view kBuiltin = "built-in function '";
  if (line.find("error: ") == std::string_view::npos) return "";
  for (const Explanation& e : kExplanations) {
    if (line.find(e.part) != std::string_view::npos)
      return std::string(place(line)) + std::string(e.sentence);
  }
  if (const size_t at = line.find(kBuiltin); at != std::string_view::npos) {
    std::string_view name = line.substr(at + kBuiltin.size());
    const std::string_view why = explain_builtin(name.substr(0, name.find('\'')));
    if (!why.empty()) return std::string(place(line)) + std::string(why);
  }
  return "";
}

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

}  // namespace

std::string explain(std::string_view messages) {
  std::string explained, last;
  std::istringstream lines{std::string(messages)};
  for (std::string line; std::getline(lines, line);) {
    const std::string sentence = explain_line(line);
    if (sentence.empty() || sentence == last) continue;
    explained += sentence + "\n";
    last = sentence;
  }
  return explained.empty() ? std::string(messages) : explained;
}

Result<void> compile(const std::string& source, const std::string& object,
                     const std::vector<std::string>& flags, std::string& notes) {
  for (const Compiler& compiler : kCompilers) {
    std::vector<std::string> words = {
        compiler.name, "-target",        "bpf",          compiler.cpu,
        "-O2",         "-ffreestanding", "-fno-builtin", "-fno-crash-diagnostics",
        "-std=c11",    "-Wall"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"-c", source, "-o", object});
    auto ended = run(words);
    if (!ended) {
      if (ended.error().code == Code::kNotFound) continue;
      return ended.error();
    }
    if (WIFEXITED(ended->status) && WEXITSTATUS(ended->status) == 0) {
      notes += ended->messages;
      return {};
    }
    return Error{Code::kInvalid, explain(ended->messages)};
  }
  return Error{Code::kNotFound, "there is no clang; install clang-19 (or clang-14)"};
}

}  // namespace weft::cc
