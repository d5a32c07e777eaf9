// SPDX-License-Identifier: Apache-2.0
// What a test and the runner of aarch64 code say to each other.  In C, with the same layout
// on both machines.  The runner begins with the addresses of its two helpers, 8 bytes each.
#pragma once

#include <stdint.h>

enum {
  kMaxCode = 1 << 20,
  kParts = 3,  // stack and window; rodata; data
  kHostCall = 1000,
};

struct aarch64_part {
  uint32_t at;  // offset in the arena
  uint32_t bytes;
  uint32_t is_read_only;
};

// Followed by the code, and the bytes of each part.
struct aarch64_request {
  uint64_t r[5];
  int64_t call_offset;
  uint32_t code_bytes, run, abort;
  uint32_t is_packed;
  uint32_t budget;
  uint32_t budget_offset, fault_offset, fault_at_offset, entry_offset;  // in the Call
  uint32_t abort_offset;                                                // in the Entry
  struct aarch64_part parts[kParts];
};

// Followed by the bytes of each part.
struct aarch64_answer {
  uint64_t r0;
  int64_t budget;
  uint64_t fault_at;  // offset in the code
  uint64_t status;    // a Fault, or kHostCall
};
