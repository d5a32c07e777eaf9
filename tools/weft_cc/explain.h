// SPDX-License-Identifier: Apache-2.0
// What clang says about a program, in words of this target.
#pragma once

#include <string>
#include <string_view>

namespace weft::cc {

// Of whom the messages are.
struct Compiler {
  const char* name;
  const char* cpu;  // the flag
  bool divides_signed() const { return std::string_view(cpu) == "-mcpu=v4"; }
};

// The messages of a run that failed.  What C cannot do on this target becomes one line, with the
// place and why; everything else stays as clang said it, without the dump of a crash.
// `source` is named where clang names no file.
std::string explain(std::string_view messages, const std::string& source, const Compiler& compiler);

}  // namespace weft::cc
