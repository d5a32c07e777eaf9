// SPDX-License-Identifier: Apache-2.0
// What "weft show domains" and "weft show channels" are answered.
//
// Threads: the control thread.
#pragma once

#include "admin/protocol.h"
#include "tools/weftd/assembly.h"

namespace weft {

Result<admin::Json> show_domains(Assembly& node);
Result<admin::Json> show_channels(Assembly& node);

}  // namespace weft
