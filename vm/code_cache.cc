// SPDX-License-Identifier: Apache-2.0
#include "vm/code_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vm/signals.h"

namespace weft::vm {

namespace {

constexpr size_t kAlign = 64;
constexpr uint8_t kTrap = 0xcc;  // int3, what free memory holds

size_t round_up(size_t bytes) { return (bytes + kAlign - 1) & ~(kAlign - 1); }

// Executable memory as near to this program's own text as it goes, so that calls of helpers
// are short.
void* map_near(int fd, size_t bytes) {
  constexpr uint64_t kStep = 16 << 20, kFarthest = uint64_t(1) << 30;
  const uint64_t here = reinterpret_cast<uint64_t>(&map_near) & ~(kStep - 1);
  for (uint64_t away = kStep + bytes; away < kFarthest && away < here; away += kStep) {
    void* wanted = reinterpret_cast<void*>(here - away);
    void* got = ::mmap(wanted, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    if (got == wanted) return got;
    if (got != MAP_FAILED) ::munmap(got, bytes);  // a kernel that takes the address for a hint
  }
  return ::mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
}

}  // namespace

MachineCode::Entry MachineCode::entry(uint32_t function) const {
  auto found =
      std::lower_bound(assembled_.entries.begin(), assembled_.entries.end(), function,
                       [](const Assembled::Entry& e, uint32_t wanted) { return e.function < wanted; });
  return {reinterpret_cast<EntryFunction>(begin_ + found->run),
          reinterpret_cast<const void*>(begin_ + found->abort)};
}

Mark MachineCode::locate(uint64_t at) const {
  const uint64_t offset = at - 1 - begin_;
  auto behind = std::upper_bound(assembled_.marks.begin(), assembled_.marks.end(), offset,
                                 [](uint64_t wanted, const Mark& m) { return wanted < m.offset; });
  return behind == assembled_.marks.begin() ? Mark{} : *(behind - 1);
}

Result<std::unique_ptr<CodeCache>> CodeCache::create(size_t bytes, const JitOptions& options) {
#if !defined(__x86_64__) && !defined(__aarch64__)
  return Error{Code::kUnsupported, "there is no compiler for this machine"};
#endif
  bytes = (std::max<size_t>(bytes, kPageBytes) + kPageBytes - 1) / kPageBytes * kPageBytes;
  OwnedFd memory(::memfd_create("weft-code", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), off_t(bytes)) != 0)
    return system_error("memory for machine code", errno);
  void* writable = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (writable == MAP_FAILED) return system_error("map memory for machine code", errno);
  void* executable = map_near(memory.get(), bytes);
  if (executable == MAP_FAILED) {
    const int why = errno;
    ::munmap(writable, bytes);
    return system_error("map memory for machine code to run", why);
  }
  install_fault_handler();
  return std::unique_ptr<CodeCache>(new CodeCache(std::move(memory), static_cast<uint8_t*>(writable),
                                                  static_cast<uint8_t*>(executable), bytes, options));
}

CodeCache::CodeCache(OwnedFd memory, uint8_t* writable, uint8_t* executable, size_t bytes,
                     const JitOptions& options)
    : memory_(std::move(memory)),
      writable_(writable),
      executable_(executable),
      bytes_(bytes),
      options_(options),
      free_{{0, bytes}},
      holder_(std::make_unique<asmjit::CodeHolder>()) {}

CodeCache::~CodeCache() {
  ::munmap(writable_, bytes_);
  ::munmap(executable_, bytes_);
}

std::shared_ptr<const MachineCode> CodeCache::find(const Program& program, ArenaKind kind,
                                                   uint64_t hash) const {
  auto [at, end] = shared_.equal_range(hash);
  for (; at != end; ++at) {
    auto code = at->second.lock();
    if (code != nullptr && code->kind() == kind && code->program().same_text(program)) return code;
  }
  return nullptr;
}

std::map<size_t, size_t>::iterator CodeCache::fitting(size_t bytes) {
  auto best = free_.end();
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    const bool fits = range->second >= bytes;
    if (best == free_.end()) {
      best = range;
    } else if (best->second >= bytes) {
      if (fits && range->second < best->second) best = range;
    } else if (range->second > best->second) {
      best = range;
    }
  }
  return best;
}

Result<Assembled> CodeCache::assemble_at(size_t at, const Program& program, ArenaKind kind) {
  holder_->reset();
  holder_->init(asmjit::Environment::host(), reinterpret_cast<uint64_t>(executable_ + at));
  JitOptions options = options_;
  options.kind = kind;
  auto assembled = assemble(program, *holder_, options);
  if (!assembled) return assembled;
  if (holder_->flatten() != asmjit::kErrorOk || holder_->resolveUnresolvedLinks() != asmjit::kErrorOk ||
      holder_->relocateToBase(reinterpret_cast<uint64_t>(executable_ + at)) != asmjit::kErrorOk) {
    return Error{Code::kIo, "machine code could not be put in its place"};
  }
  return assembled;
}

void CodeCache::place(std::map<size_t, size_t>::iterator range) {
  const size_t at = range->first, bytes = holder_->codeSize(), taken = round_up(bytes);
  std::memset(writable_ + at + bytes, kTrap, taken - bytes);
  holder_->copyFlattenedData(writable_ + at, bytes);
  __builtin___clear_cache(reinterpret_cast<char*>(executable_ + at),
                          reinterpret_cast<char*>(executable_ + at + bytes));
  const size_t left = range->second - taken;
  free_.erase(range);
  if (left > 0) free_.emplace(at + taken, left);
  used_ += taken;
}

Result<std::shared_ptr<const MachineCode>> CodeCache::compile(const std::shared_ptr<const Program>& program,
                                                              ArenaKind kind) {
  const uint64_t hash = program->text_hash();
  if (auto code = find(*program, kind, hash); code != nullptr) return code;

  // Where it will lie decides how it calls; how long it will be is only guessed.  Who guessed too
  // little begins again, in a larger range.
  auto range = fitting(program->text().size() * 256 + kPageBytes);
  Assembled assembled;
  for (;;) {
    if (range == free_.end()) return Error{Code::kLimit, "the memory for machine code is used up"};
    auto made = assemble_at(range->first, *program, kind);
    if (!made) return made.error();
    const size_t taken = round_up(holder_->codeSize());
    assembled = std::move(*made);
    if (taken <= range->second) break;
    range = fitting(taken);
    if (range->second < taken) range = free_.end();
  }
  auto* code = new MachineCode;
  code->begin_ = reinterpret_cast<uint64_t>(executable_ + range->first);
  code->bytes_ = holder_->codeSize();
  code->kind_ = kind;
  code->assembled_ = std::move(assembled);
  code->program_ = program;
  place(range);
  std::shared_ptr<const MachineCode> owned(code, [this, hash](const MachineCode* dead) {
    release(*dead, hash);
    delete dead;
  });
  shared_.emplace(hash, owned);
  return owned;
}

void CodeCache::release(const MachineCode& code, uint64_t hash) {
  size_t at = size_t(code.begin_ - reinterpret_cast<uint64_t>(executable_)), bytes = round_up(code.bytes_);
  std::memset(writable_ + at, kTrap, bytes);
  used_ -= bytes;
  auto next = free_.lower_bound(at);
  if (next != free_.end() && at + bytes == next->first) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == at) {
      at = before->first;
      bytes += before->second;
      free_.erase(before);
    }
  }
  free_.emplace(at, bytes);
  auto [entry, end] = shared_.equal_range(hash);
  while (entry != end) entry = entry->second.expired() ? shared_.erase(entry) : std::next(entry);
}

}  // namespace weft::vm
