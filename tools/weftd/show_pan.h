// SPDX-License-Identifier: Apache-2.0
// What "weft show pan" is answered, and what the PAN node adds to "weft show drops".
//
// Threads: the control thread.
#pragma once

#include "admin/protocol.h"
#include "tools/weftd/assembly.h"

namespace weft {

// A row of "weft show drops": `place` says where and at which stage.
admin::Json drop_row(const admin::Json& place, DropReason reason, uint64_t packets);

// Errors: kUnsupported (the node is not active).
Result<admin::Json> show_pan(Assembly& node);
// Appends one row for each reason for which capsules were lost; nothing when the node
// is not active.
void add_pan_drops(admin::Json& rows, Assembly& node);

}  // namespace weft
