// SPDX-License-Identifier: Apache-2.0
// Measures what lies in a folder, as FileLedger counts it.
//
// Threads: a plain function; it waits for the disk.
#pragma once

#include "nodeos_api/file_ledger.h"

namespace weft {

// All that is beneath the folder, which itself is not counted; no link is followed, and what
// has several names counts once.  However deep the tree, few descriptors are used.
// Errors: as file_error(); kIo when directories are moved meanwhile.
Result<FileUse> measure_files(int folder);

}  // namespace weft
