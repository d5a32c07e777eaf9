// SPDX-License-Identifier: Apache-2.0
// bpf_plugin: one program, for the plugin protocol of the public BPF conformance suite
// (bpf_conformance).
//
//   bpf_plugin [MEMORY] [--jit | --interpret] [--program PROGRAM] <PROGRAM
//
// MEMORY and PROGRAM are hex digits; the program is on the first line of standard input unless
// --program gives it.  R1 is where the memory lies, R2 its length.  Helper 5 ends the
// program if its argument is 0.  Prints R0 in hex and exits with 0; else says why on
// standard error and exits with 1.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/code_cache.h"
#include "vm/instance.h"
#include "vm/signals.h"

namespace weft::vm {
namespace {

struct Options {
  std::vector<uint8_t> memory;
  std::vector<uint8_t> program;
  bool jit = true;
};

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::vector<uint8_t>> bytes_of(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  if (text.size() % 2 != 0 || std::any_of(text.begin(), text.end(), [](char c) { return digit(c) < 0; })) {
    return std::nullopt;
  }
  std::vector<uint8_t> bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = uint8_t(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  return bytes;
}

Result<Options> read_options(int argc, char** argv) {
  Options options;
  std::optional<std::string> program;
  bool has_memory = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--jit" || argument == "--interpret") {
      options.jit = argument == "--jit";
    } else if (argument == "--program" && i + 1 < argc) {
      program = argv[++i];
    } else if (argument.starts_with("--")) {
      return Error{Code::kInvalid,
                   "no option " + std::string(argument) + "; there are --jit, --interpret, --program"};
    } else if (!has_memory) {
      auto memory = bytes_of(argv[i]);
      if (!memory) return Error{Code::kInvalid, "the memory is not hex digits in pairs"};
      options.memory = std::move(*memory);
      has_memory = true;
    } else if (!argument.empty()) {
      // The suite passes options that nobody gave as an empty argument.
      return Error{Code::kInvalid, "the memory is there already; what is '" + std::string(argument) + "'?"};
    }
  }
  if (!program) std::getline(std::cin, program.emplace());
  auto bytes = bytes_of(*program);
  if (!bytes || bytes->empty() || bytes->size() % sizeof(Instruction) != 0) {
    return Error{Code::kInvalid, "the program is not hex digits, 16 for each instruction"};
  }
  options.program = std::move(*bytes);
  return options;
}

uint64_t unwind(Call& call, uint64_t value) {
  if (value == 0) call.fail(Fault::kRefused);
  return value;
}

Result<uint64_t> run(const Options& options) {
  auto helpers = std::make_shared<HelperTable>();
  if (auto added = helpers->add(make_helper<unwind>(5, "unwind")); !added) return added.error();
  Image image;
  image.text.resize(options.program.size() / sizeof(Instruction));
  std::memcpy(image.text.data(), options.program.data(), options.program.size());
  auto program = Program::link(image, {helpers, {}});
  if (!program) return program.error();

  auto stack = SignalStack::create();
  if (!stack) return stack.error();
  auto space = ArenaSpace::create(1);
  if (!space) return space.error();
  auto cache = CodeCache::create(4 << 20);
  if (!cache) return cache.error();
  std::shared_ptr<const MachineCode> code;
  if (options.jit) {
    auto compiled = (*cache)->compile(*program);
    if (!compiled) return compiled.error();
    code = std::move(*compiled);
  }
  const auto window = uint32_t(std::max<size_t>(options.memory.size(), kDefaultWindow));
  auto instance = Instance::create(**space, *program, std::move(code), {.window = window});
  if (!instance) return instance.error();
  if (!options.memory.empty())
    std::memcpy((*instance)->window(), options.memory.data(), options.memory.size());
  auto entry = (*instance)->entry("");
  if (!entry) return entry.error();
  const Outcome o = (*instance)->call(*entry, {.r1 = kWindow, .r2 = options.memory.size()}, kMaxBudget);
  // Unwound, as it was asked to.
  if (o.fault == Fault::kRefused) return uint64_t(0);
  if (o.fault != Fault::kNone) {
    return Error{Code::kDead, "stopped at instruction " + std::to_string((*instance)->fault_pc()) + ": " +
                                  to_text(o.fault)};
  }
  return o.r0;
}

}  // namespace
}  // namespace weft::vm

int main(int argc, char** argv) {
  auto options = weft::vm::read_options(argc, argv);
  auto r0 = options ? weft::vm::run(*options) : weft::Result<uint64_t>(options.error());
  if (!r0) {
    std::fprintf(stderr, "bpf_plugin: %s\n", r0.error().sentence.c_str());
    return 1;
  }
  std::printf("%llx\n", static_cast<unsigned long long>(*r0));
  return 0;
}
