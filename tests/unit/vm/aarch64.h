// SPDX-License-Identifier: Apache-2.0
// Programs as aarch64 machine code, in an emulator: assembled here, run by aarch64_runner.
//
// Programs that call the host are only assembled: its functions are for this machine.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/owned_fd.h"
#include "vm/instance.h"

namespace weft::vm::test {

class Aarch64 {
 public:
  struct Run {
    Outcome outcome;
    uint32_t pc = 0;
    std::string frame, data;  // as the extents of an arena have them
  };

  // Null when the emulator or the runner was not there when this was built.
  static std::unique_ptr<Aarch64> start();
  ~Aarch64();

  // Null when the program called the host.  `window` lies in the window.
  std::optional<Run> run(const Program& program, ArenaKind kind, const std::string& entry,
                         const Arguments& arguments, uint32_t budget, const std::string& window);
  // Where the runner has its helper 1 or 2; see aarch64_runner.c.
  uint64_t helper(uint32_t number) const { return helpers_[number - 1]; }
  // Programs that were run to their end.
  uint64_t runs() const { return runs_; }

 private:
  pid_t child_ = -1;
  OwnedFd to_, from_;
  uint64_t helpers_[2] = {};
  uint64_t runs_ = 0;
};

// Assembles for aarch64; fails the test when that fails.
std::optional<Assembled> assemble_for_aarch64(const Program& program, ArenaKind kind, int64_t call_offset,
                                              std::string& code);

}  // namespace weft::vm::test
