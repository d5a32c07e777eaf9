// SPDX-License-Identifier: Apache-2.0
// A packet that was put together from fragments starts over, as if it came in now: only
// it has ports, so its path need not be that of its fragments.
//
// Threads: the worker.
#pragma once

#include "modules/reassembly.h"
#include "paths/path.h"
#include "paths/port.h"
#include "paths/sorter.h"

namespace weft {

// The frame that `p` came in at `device`: what stands in front of its IP header, as yet
// untouched.  Zeros on a raw link.
LinkHeader link_header_of(const Packet& p, const Port& device);

// Gives `whole`, which begins at its IP header, back to the `sorter` of what comes in at
// `device`, in that frame.  `path` has let it go.  False when the pool is exhausted;
// `whole` is then still the caller's.
bool sort_again(Sorter& sorter, Pool& pool, Path& path, const Port& device, const LinkHeader& frame,
                PacketPtr& whole);

}  // namespace weft
