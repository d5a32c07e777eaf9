// SPDX-License-Identifier: Apache-2.0
// Lending: how a program behind a gate gets at bytes of its caller, without seeing its arena.
//
// The caller lends up to kLentWindows ranges for its next call through a gate; when that
// returns they are the caller's alone again.  The callee knows them by their numbers, and
// copies: there is no address that would reach them.  What was lent to it, it cannot pass on.
// So a guardian can fill its caller's buffer, and neither sees more of the other than that.
//
// As C, for programs:
//   void vm_lend(uint64_t window, const void* at, uint64_t bytes, uint64_t writable);
//   uint64_t vm_lent(uint64_t window, uint64_t to_write);   // bytes that may be read or written
//   void vm_lent_read(uint64_t window, uint64_t offset, void* into, uint64_t bytes);
//   void vm_lent_write(uint64_t window, uint64_t offset, const void* from, uint64_t bytes);
// Copies cost as memcpy does.  A range that is not the program's own, or not what was lent, is
// the fault kHelperRange.
//
// Threads: as HelperTable.
#pragma once

#include "vm/helper.h"

namespace weft::vm {

// The four, as numbers `first` .. `first` + 3.
Result<void> add_lending_helpers(HelperTable& table, uint32_t first);

}  // namespace weft::vm
