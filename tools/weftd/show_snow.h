// SPDX-License-Identifier: Apache-2.0
// What "weft show snow" is answered: sessions of EEs in processes of their own.
//
// Threads: the control thread.
#pragma once

#include "admin/protocol.h"
#include "tools/weftd/assembly.h"

namespace weft {

Result<admin::Json> show_snow(Assembly& node);

}  // namespace weft
