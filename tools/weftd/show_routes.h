// SPDX-License-Identifier: Apache-2.0
// What "weft show routes" and "weft show neighbours" are answered.
//
// Threads: the control thread.
#pragma once

#include "admin/protocol.h"
#include "tools/weftd/assembly.h"

namespace weft {

// At most 10,000 of each family; "more" says whether there were, "count" how many there are.
Result<admin::Json> show_routes(Assembly& node);
Result<admin::Json> show_neighbours(Assembly& node);

}  // namespace weft
