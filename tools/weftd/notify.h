// SPDX-License-Identifier: Apache-2.0
// Tells a service manager how the daemon is doing.  (sd_notify(3), without the library.)
//
// Threads: the control thread.
#pragma once

#include <string_view>

namespace weft {

// "READY=1", "STOPPING=1", "STATUS=...".  Does nothing when no manager listens.
void notify_manager(std::string_view state);

}  // namespace weft
