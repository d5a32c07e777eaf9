// SPDX-License-Identifier: Apache-2.0
// The node's side of the PAN node interface: the helpers that code/pni.h calls.
//
// Threads: the table is immutable; a helper runs on the thread of the capsule.
#pragma once

#include <memory>

#include "vm/helper.h"

namespace weft::pan {

// Environments of calls are Environments.
std::shared_ptr<const vm::HelperTable> pni_helpers();

}  // namespace weft::pan
