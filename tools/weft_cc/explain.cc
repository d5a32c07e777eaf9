// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/explain.h"

#include <algorithm>
#include <sstream>
#include <vector>

namespace weft::cc {

namespace {

constexpr std::string_view kError = ": error: ";
constexpr std::string_view kFatal = "fatal error: error in backend: ";
constexpr std::string_view kCannotSelect = "Cannot select: ";

constexpr std::string_view kFiveArguments =
    "a function takes at most five arguments; pass a pointer to a structure";
constexpr std::string_view kNoByValue = "a structure is not passed by value; pass a pointer to it";
constexpr std::string_view kVariadic = "there are no functions with '...' arguments";
constexpr std::string_view kAtomics =
    "the atomic operations are add, and, or, xor, exchange and compare-and-exchange of 32 or 64 bits; "
    "load and store as usual";
constexpr std::string_view kSmall = "no value is larger than 64 bits";
constexpr std::string_view kStackArray = "an array on the stack has a constant size; there is no alloca()";
constexpr std::string_view kNoDivision = "";  // depends on the compiler
constexpr std::string_view kNoAddresses =
    "it asks for what the machine does not have, such as the address of its frame or its return address";
constexpr std::string_view kCrashed = "clang itself crashed on it";

// A text of clang's BPF backend, whole: a * stands for anything.
struct Explanation {
  std::string_view text;
  std::string_view sentence;
};
constexpr Explanation kExplanations[] = {
    {"stack arguments are not supported", kFiveArguments},
    {"defined with too many args", kFiveArguments},
    {"too many args to *", kFiveArguments},
    {"0x* too many arguments", kFiveArguments},
    {"pass by value not supported*", kNoByValue},
    {"0x* pass by value not supported", kNoByValue},
    {"aggregate returns are not supported",
     "a structure is not returned; let the caller pass a pointer to it"},
    {"functions with VarArgs or StructRet are not supported",
     "there are no '...' arguments, and no structure is returned"},
    {"variadic functions are not supported", kVariadic},
    {"only small returns supported", kSmall},
    {"Unsupported dynamic stack allocation", kStackArray},
    {"unsupported dynamic stack allocation", kStackArray},
    {"Looks like the BPF stack limit *",
     "the variables of a function take at most 512 bytes; make the large ones static"},
    {"Unsupported atomic operations, please use 32/64 bit version", kAtomics},
    {"unsupported atomic operation, please use 32/64 bit version", kAtomics},
    {"unsupported signed division, *", kNoDivision},
    {"unable to allocate function return *", kSmall},
    {"unimplemented opcode: *", kNoAddresses},
};

// A node for which the backend has no instruction.  It is only what follows when something was
// said already that has the word.
struct Node {
  std::string_view name;
  std::string_view sentence;
  std::string_view word;
};
constexpr Node kNodes[] = {
    {"sdiv", kNoDivision, "signed division"},
    {"srem", kNoDivision, "signed division"},
    {"sdivrem", kNoDivision, "signed division"},
    {"Atomic*", kAtomics, "atomic operations"},
    {"BlockAddress", "there is no goto to the address of a label; use switch", "goto"},
    {"brind", "there is no goto to the address of a label; use switch", "goto"},
    {"va*", kVariadic, "'...' arguments"},
};

bool fits(std::string_view text, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return text == pattern;
  return text.size() + 1 >= pattern.size() && text.starts_with(pattern.substr(0, star)) &&
         text.ends_with(pattern.substr(star + 1));
}

std::string_view between(std::string_view text, std::string_view before, char after) {
  const size_t at = text.rfind(before);
  if (at == std::string_view::npos) return "";
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find(after));
}

// Of "A call to built-in function '__muldf3' is not supported."
std::string explain_builtin(std::string_view name) {
  const auto has = [name](std::string_view mark) { return name.find(mark) != std::string_view::npos; };
  if (name == "abort") return "there is no abort() and no __builtin_trap(); return instead";
  if (name == "memcpy" || name == "memmove" || name == "memset") {
    return "clang would call " + std::string(name) + "() here, which is not there; write a loop";
  }
  if (!name.starts_with("__")) return "";
  if (has("ti")) return std::string(kSmall);
  if (has("df") || has("sf") || has("tf") || has("hf"))
    return "there are no floating point numbers; count in integers";
  return "";
}

// What clang printed about one thing.
struct Message {
  std::vector<std::string> lines;
  size_t head = 0;  // the line that says it; before it may be "In file included from"
};

bool is_summary(std::string_view line) {
  return line.ends_with(" generated.") ||
         line.find("clang frontend command failed") != std::string_view::npos ||
         (line.starts_with("Error") && line.find("Unsupport signed division") != std::string_view::npos);
}

bool is_head(std::string_view line) {
  if (line.empty() || line[0] == ' ') return false;
  return line.find(kError) != std::string_view::npos || line.find(": warning: ") != std::string_view::npos ||
         line.find(": fatal error: ") != std::string_view::npos || line.starts_with("fatal error: ");
}

std::vector<Message> split(std::string_view text) {
  std::vector<Message> all;
  bool waits = false;  // the last message has no head yet
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (is_summary(line)) continue;
    const bool head = is_head(line);
    const bool included = line.starts_with("In file included from ");
    if (all.empty() || (!waits && (head || included))) {
      all.emplace_back();
      waits = true;
    }
    if (head && waits) {
      all.back().head = all.back().lines.size();
      waits = false;
    }
    all.back().lines.push_back(std::move(line));
  }
  return all;
}

class Explainer {
 public:
  Explainer(const std::string& source, const Compiler& compiler) : source_(source), compiler_(compiler) {}

  std::string run(std::string_view text) {
    const size_t dump = text.find("PLEASE submit a bug report");
    function_ = between(text, "on function '@", '\'');
    for (const Message& m : split(text.substr(0, dump))) say(m);
    if (dump != std::string_view::npos && !had_error_) {
      say_line(place("") + std::string(function_.empty() ? kCrashed : kNoAddresses));
    }
    return std::move(said_);
  }

 private:
  // The place in front of a message, "file.c:3:5: ", or what is known instead.
  std::string place(std::string_view line) const {
    if (const size_t at = line.find(kError); at != std::string_view::npos)
      return std::string(line.substr(0, at + 2));
    // A node that could not be selected ends with its place: "..., file.c:3:5".
    const size_t comma = line.rfind(", ");
    const std::string_view last = comma == std::string_view::npos ? "" : line.substr(comma + 2);
    const size_t colon = last.find(':');
    if (colon != std::string_view::npos && last.find_first_not_of("0123456789:", colon) == last.npos &&
        std::count(last.begin(), last.end(), ':') == 2)
      return std::string(last) + ": ";
    return source_ + ": " + (function_.empty() ? "" : "function " + std::string(function_) + ": ");
  }

  std::string division() const {
    if (compiler_.divides_signed())
      return "there is no signed division and modulo with the -mcpu that was asked for; leave that flag out";
    return "this compiler has no signed division and modulo; install clang-19, or divide unsigned numbers";
  }

  // "" when there is nothing to say of it that clang did not.
  std::string sentence(std::string_view what) const {
    for (const Explanation& e : kExplanations) {
      if (fits(what, e.text)) return e.sentence.empty() ? division() : std::string(e.sentence);
    }
    constexpr std::string_view kBuiltin = "A call to built-in function '";
    return what.starts_with(kBuiltin) ? explain_builtin(between(what, kBuiltin, '\'')) : "";
  }

  // Of "Cannot select: 0x12: i32,ch = AtomicLoad<(load seq_cst (s32))> 0x34".
  static const Node* find_node(std::string_view what) {
    const size_t at = what.find(" = ");
    if (!what.starts_with(kCannotSelect) || at == std::string_view::npos) return nullptr;
    std::string_view name = what.substr(at + 3);
    name = name.substr(0, name.find_first_of(" <:"));
    for (const Node& node : kNodes) {
      if (fits(name, node.name)) return &node;
    }
    return nullptr;
  }

  void say(const Message& m) {
    const std::string_view head = m.lines[m.head];
    const bool fatal = head.starts_with(kFatal);
    const size_t at = head.find(kError);
    had_error_ |= fatal || at != std::string_view::npos;
    std::string_view what;
    if (fatal) what = head.substr(kFatal.size());
    if (!fatal && at != std::string_view::npos) what = head.substr(at + kError.size());
    if (const Node* node = find_node(what); node != nullptr) {
      if (said_.find(node->word) != std::string::npos) return;
      return say_line(place(head) + (node->sentence.empty() ? division() : std::string(node->sentence)));
    }
    if (const std::string why = sentence(what); !why.empty()) return say_line(place(head) + why);
    for (const std::string& line : m.lines) said_ += line + "\n";
  }

  // Once: the stack that is too large is told for each use.
  void say_line(const std::string& line) {
    if (("\n" + said_).find("\n" + line + "\n") == std::string::npos) said_ += line + "\n";
  }

  const std::string& source_;
  const Compiler& compiler_;
  std::string_view function_;  // at which the backend gave up
  bool had_error_ = false;
  std::string said_;
};

}  // namespace

std::string explain(std::string_view messages, const std::string& source, const Compiler& compiler) {
  return Explainer(source, compiler).run(messages);
}

}  // namespace weft::cc
