// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/vm/aarch64.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tests/unit/vm/aarch64_protocol.h"

extern char** environ;

namespace weft::vm::test {

namespace {

// Any will do; this one needs more than one instruction.
constexpr int64_t kCallOffset = -70000;

void write_all(int fd, const void* from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = ::write(fd, static_cast<const char*>(from) + done, bytes - done);
    ASSERT_GT(n, 0) << "the aarch64 runner is gone";
    done += size_t(n);
  }
}
void read_all(int fd, void* to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = ::read(fd, static_cast<char*>(to) + done, bytes - done);
    ASSERT_GT(n, 0) << "the aarch64 runner is gone";
    done += size_t(n);
  }
}

// The same memory as Arena::create() and fill_statics() make.
struct Memory {
  aarch64_part parts[kParts];
  std::string bytes[kParts];
};
Memory memory_of(const Program& program, ArenaKind kind, const std::string& window) {
  Memory m{};
  const auto rodata = uint32_t(program.rodata().size());
  const auto data = uint32_t(program.data().size()) + program.bss_bytes();
  const bool packed = kind == ArenaKind::kPacked;
  const uint32_t mask = packed ? kPackedMask : UINT32_MAX, statics = kStatics & mask;
  const uint32_t frame = packed ? 0 : kStack / kPageBytes * kPageBytes;
  const uint32_t frame_end = packed ? statics : round_to_page(kWindow + kDefaultWindow);
  m.parts[0] = {frame, frame_end - frame, 0};
  m.parts[1] = {statics, round_to_page(rodata), packed ? 0u : 1u};
  m.parts[2] = {statics + round_to_page(rodata),
                packed ? kPackedBytes - statics - round_to_page(rodata) : round_to_page(data), 0};
  for (int part = 0; part < kParts; ++part) m.bytes[part].assign(m.parts[part].bytes, '\0');
  std::memcpy(m.bytes[0].data() + ((kWindow & mask) - frame), window.data(), window.size());
  std::copy(program.rodata().begin(), program.rodata().end(), m.bytes[1].begin());
  std::copy(program.data().begin(), program.data().end(), m.bytes[2].begin());
  return m;
}

}  // namespace

std::optional<Assembled> assemble_for_aarch64(const Program& program, ArenaKind kind, int64_t call_offset,
                                              std::string& code) {
  asmjit::CodeHolder holder;
  holder.init(asmjit::Environment(asmjit::Arch::kAArch64));
  auto assembled = assemble(program, holder, {.kind = kind, .call_offset = call_offset});
  EXPECT_TRUE(assembled) << (assembled ? "" : assembled.error().sentence);
  if (!assembled) return std::nullopt;
  EXPECT_EQ(holder.flatten(), asmjit::kErrorOk);
  EXPECT_EQ(holder.resolveUnresolvedLinks(), asmjit::kErrorOk);
  EXPECT_EQ(holder.relocateToBase(0x100000), asmjit::kErrorOk);
  code.resize(holder.codeSize());
  holder.copyFlattenedData(code.data(), code.size());
  return std::move(*assembled);
}

std::unique_ptr<Aarch64> Aarch64::start() {
#if defined(WEFT_VM_AARCH64_RUNNER)
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return nullptr;
  auto made = std::make_unique<Aarch64>();
  const OwnedFd child_in(in[0]), child_out(out[1]);
  made->to_ = OwnedFd(in[1]);
  made->from_ = OwnedFd(out[0]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, child_in.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
  char emulator[] = WEFT_VM_QEMU, runner[] = WEFT_VM_AARCH64_RUNNER;
  char* argv[] = {emulator, runner, nullptr};
  const int error = ::posix_spawn(&made->child_, emulator, &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << "the emulator does not start";
  if (error != 0) return nullptr;
  read_all(made->from_.get(), made->helpers_, sizeof made->helpers_);
  return made;
#else
  return nullptr;
#endif
}

Aarch64::~Aarch64() {
  to_.reset();  // it ends with its input
  if (child_ > 0) ::waitpid(child_, nullptr, 0);
}

std::optional<Aarch64::Run> Aarch64::run(const Program& program, ArenaKind kind, const std::string& entry,
                                         const Arguments& arguments, uint32_t budget,
                                         const std::string& window) {
  std::string code;
  auto assembled = assemble_for_aarch64(program, kind, kCallOffset, code);
  if (!assembled || code.size() > kMaxCode) return std::nullopt;
  const uint32_t function = entry.empty() ? program.entries().front() : *program.find_export(entry);
  auto found = std::find_if(assembled->entries.begin(), assembled->entries.end(),
                            [&](const Assembled::Entry& e) { return e.function == function; });
  Memory memory = memory_of(program, kind, window);
  aarch64_request request{};
  const uint64_t r[] = {arguments.r1, arguments.r2, arguments.r3, arguments.r4, arguments.r5};
  std::memcpy(request.r, r, sizeof r);
  request.call_offset = kCallOffset;
  request.code_bytes = uint32_t(code.size());
  request.run = uint32_t(found->run);
  request.abort = uint32_t(found->abort);
  request.is_packed = kind == ArenaKind::kPacked;
  request.budget = budget;
  request.budget_offset = uint32_t(CallAccess::budget());
  request.fault_offset = uint32_t(CallAccess::fault());
  request.fault_at_offset = uint32_t(CallAccess::fault_at());
  request.entry_offset = uint32_t(CallAccess::entry());
  request.abort_offset = uint32_t(offsetof(Entry, abort));
  std::copy_n(memory.parts, int(kParts), request.parts);
  write_all(to_.get(), &request, sizeof request);
  write_all(to_.get(), code.data(), code.size());
  for (const std::string& bytes : memory.bytes) write_all(to_.get(), bytes.data(), bytes.size());

  aarch64_answer answer{};
  read_all(from_.get(), &answer, sizeof answer);
  for (std::string& bytes : memory.bytes) read_all(from_.get(), bytes.data(), bytes.size());
  if (answer.status == kHostCall) return std::nullopt;
  ++runs_;
  Run done;
  done.outcome = {answer.r0, uint32_t(answer.budget), Fault(answer.status)};
  if (answer.status != 0) {
    auto behind = std::upper_bound(assembled->marks.begin(), assembled->marks.end(), answer.fault_at - 1,
                                   [](uint64_t wanted, const Mark& m) { return wanted < m.offset; });
    if (behind != assembled->marks.begin()) done.pc = (behind - 1)->pc;
  }
  done.frame = memory.bytes[0];
  done.data = memory.bytes[1] + memory.bytes[2];
  return done;
}

}  // namespace weft::vm::test
