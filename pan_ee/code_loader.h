// SPDX-License-Identifier: Apache-2.0
// CodeLoader: makes code objects ready to run: links and verifies their programs, compiles
// them where that can be, and gives each an arena of its own.  (PAN, section 4.5.2.)
//
// A program that fits gets a packed arena (vm/arena.h): of thousands of small ones, none
// evicts another from the CPU's memory of pages.
//
// Threads: the control thread.  Must outlive what it loaded.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "pan_ee/code_object.h"
#include "pan_ee/loaded_code.h"
#include "pan_ee/node_config.h"
#include "vm/arena.h"
#include "vm/code_cache.h"

namespace weft::pan {

// What init, window and finalize may take, in instructions.
inline constexpr uint32_t kLifeBudget = 1'000'000;

class CodeLoader {
 public:
  static constexpr size_t kMaxObjects = 4096;  // of these, kMaxWide with more than 32 KiB of variables
  static constexpr size_t kMaxWide = 64;

  // `here`: the node's address, as code objects are told it.  `code_bytes`: of memory for machine
  // code.  Errors: kNoMemory.
  static Result<std::unique_ptr<CodeLoader>> create(Engine wanted, const NodeAddress& here,
                                                    size_t code_bytes = kCodeBytes);

  // The engine that is used, where an object can be compiled.
  Engine engine() const { return machine_code_ != nullptr ? Engine::kJit : Engine::kInterpreter; }
  // Why it is not the one that was wanted; empty when it is.
  const std::string& engine_reason() const { return engine_reason_; }

  // Runs its window() and init().  What cannot be compiled is interpreted, and says why.
  // Errors: kInvalid, kNotFound, kLimit, in one sentence.
  Result<std::unique_ptr<LoadedCode>> load(const CodeObject& object);

 private:
  explicit CodeLoader(const NodeAddress& here) : here_(here) {}
  // `why_interpreted` is said when it is, though this has a compiler.
  Result<std::unique_ptr<vm::Instance>> instantiate(const std::shared_ptr<const vm::Program>& program,
                                                    std::string& why_interpreted);

  NodeAddress here_;
  std::shared_ptr<const vm::HelperTable> helpers_;
  std::unique_ptr<vm::ArenaSpace> packed_;
  std::unique_ptr<vm::ArenaSpace> wide_;         // from the first that needs it on
  std::unique_ptr<vm::CodeCache> machine_code_;  // null: programs are interpreted
  std::string engine_reason_;
};

}  // namespace weft::pan
