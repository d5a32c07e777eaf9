// SPDX-License-Identifier: Apache-2.0
// Packets from the rings, cut into runs of one opening.
//
// Threads: one at a time.
#pragma once

#include "partner/pvec.h"

namespace weft::snow {

// Calls each(opening, run) for the packets at the front of `v` as long as there are any; each
// takes its run, whole.
template <typename Each>
void for_each_run(Pvec& v, Each each) {
  while (!v.empty()) {
    const uint32_t opening = v[0]->next_hop;
    size_t n = 1;
    while (n < v.size() && v[n]->next_hop == opening) ++n;
    if (n == v.size()) return each(opening, v);
    Pvec run;
    run.adopt({v.begin(), n});
    v.release_front(n);
    each(opening, run);
  }
}

}  // namespace weft::snow
