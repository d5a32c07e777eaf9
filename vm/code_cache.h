// SPDX-License-Identifier: Apache-2.0
// CodeCache: where machine code lives.
//
// Its memory is mapped twice, once writable and once executable; no mapping is ever both.
// Programs with the same text share one MachineCode.  Compiling the first program makes the
// process handle SIGSEGV (signals.h).
//
// Threads: compile() from the control thread; a MachineCode is immutable.  The cache must
//   outlive what it compiled.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "vm/jit.h"
#include "vm/program.h"

namespace weft::vm {

class MachineCode {
 public:
  struct Entry {
    EntryFunction run;
    const void* abort;
  };

  // The entry of a function.  REQUIRES: the program lists it in entries().
  Entry entry(uint32_t function) const;
  // What was done at an address just before `at`.  REQUIRES: contains(at - 1).
  Mark locate(uint64_t at) const;
  bool contains(uint64_t at) const { return at - begin_ < bytes_; }
  // The machine's instructions.
  std::span<const uint8_t> bytes() const { return {reinterpret_cast<const uint8_t*>(begin_), bytes_}; }
  const Program& program() const { return *program_; }
  ArenaKind kind() const { return kind_; }

 private:
  friend class CodeCache;
  uint64_t begin_ = 0;
  uint64_t bytes_ = 0;
  ArenaKind kind_ = ArenaKind::kWide;
  Assembled assembled_;
  std::shared_ptr<const Program> program_;
};

class CodeCache {
 public:
  // Errors: kNoMemory, kIo; kUnsupported when no compiler is there for this machine.
  static Result<std::unique_ptr<CodeCache>> create(size_t bytes = 64 << 20, const JitOptions& options = {});
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;

  // For arenas of a kind.  Errors: kLimit when the cache is full.
  Result<std::shared_ptr<const MachineCode>> compile(const std::shared_ptr<const Program>& program,
                                                     ArenaKind kind = ArenaKind::kWide);

  size_t bytes_used() const { return used_; }
  size_t programs() const { return shared_.size(); }

 private:
  CodeCache(OwnedFd memory, uint8_t* writable, uint8_t* executable, size_t bytes, const JitOptions& options);
  std::shared_ptr<const MachineCode> find(const Program& program, ArenaKind kind, uint64_t hash) const;
  // The smallest free range with at least `bytes`, or the largest of all.
  std::map<size_t, size_t>::iterator fitting(size_t bytes);
  // Into holder_, as it will lie there.
  Result<Assembled> assemble_at(size_t at, const Program& program, ArenaKind kind);
  // Copies what holder_ has to the start of a free range.  REQUIRES: it fits.
  void place(std::map<size_t, size_t>::iterator range);
  void release(const MachineCode& code, uint64_t hash);

  OwnedFd memory_;
  uint8_t* writable_;
  uint8_t* executable_;
  size_t bytes_;
  JitOptions options_;
  size_t used_ = 0;
  std::map<size_t, size_t> free_;                                               // offset: bytes
  std::unordered_multimap<uint64_t, std::weak_ptr<const MachineCode>> shared_;  // by hash of the text
  std::unique_ptr<asmjit::CodeHolder> holder_;
};

}  // namespace weft::vm
