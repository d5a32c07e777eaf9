// SPDX-License-Identifier: Apache-2.0
// What "weft ee" is answered.
//
//   {"do":"ee","action":"list"}
//   {"do":"ee","action":"start","name":"echo"}     also stop, restart
//
// All are answered {"ees":[...]}: of the one that was named, or of all.
//
// Threads: the control thread.
#pragma once

#include "admin/protocol.h"
#include "tools/weftd/assembly.h"

namespace weft {

// Errors: kInvalid, kNotFound, why the EE cannot do that.
Result<admin::Json> manage_ee(Assembly& node, const admin::Json& request);

}  // namespace weft
