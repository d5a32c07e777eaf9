// SPDX-License-Identifier: Apache-2.0
// Program: an image that was linked and verified, and may be run.
//
// All relocations are done: names are numbers, and places are arena offsets.  It holds no
// state; many instances, on many threads, may share one.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vm/helper.h"
#include "vm/image.h"
#include "vm/verifier.h"

namespace weft::vm {

// Numbers from here on are gates: calls of another program's export.
inline constexpr uint32_t kFirstGate = kMaxHelpers;
inline constexpr uint32_t kMaxGates = 256;

class Program {
 public:
  // What the names that an image imports mean: a helper has the name, or else `gates` lists
  // it; its place there is the slot for Instance::bind_gate().
  struct Environment {
    std::shared_ptr<const HelperTable> helpers;
    std::vector<std::string> gates;
  };

  // Errors: kNotFound names an import that nothing offers; kInvalid is the verifier's, or
  // says which size is too large.
  static Result<std::shared_ptr<const Program>> link(const Image& image, const Environment& environment);

  std::span<const Instruction> text() const { return text_; }
  std::span<const Function> functions() const { return functions_; }
  const HelperTable& helpers() const { return *helpers_; }
  uint32_t gates() const { return gates_; }

  // The index in functions() of an export.
  std::optional<uint32_t> find_export(std::string_view name) const;
  // The functions that may be entered from outside: exports, or the first when there is none.
  std::span<const uint32_t> entries() const { return entries_; }
  // The function that begins at this slot.  REQUIRES: one does.
  uint32_t function_at(uint32_t slot) const;

  std::span<const uint8_t> rodata() const { return rodata_; }
  std::span<const uint8_t> data() const { return data_; }
  uint32_t bss_bytes() const { return bss_bytes_; }

  // Would machine code of the one serve for the other?
  bool same_text(const Program& other) const;
  uint64_t text_hash() const;

 private:
  Program() = default;
  struct Linker;

  std::vector<Instruction> text_;
  std::vector<Function> functions_;
  std::vector<std::pair<std::string, uint32_t>> exports_;  // name, function; sorted
  std::vector<uint32_t> entries_;                          // sorted
  std::vector<uint8_t> rodata_;
  std::vector<uint8_t> data_;
  uint32_t bss_bytes_ = 0;
  uint32_t gates_ = 0;
  std::shared_ptr<const HelperTable> helpers_;
};

// What a function pointer of a program holds.
constexpr uint64_t function_handle(uint32_t function) { return uint64_t(kText) + function; }

}  // namespace weft::vm
