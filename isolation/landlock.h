// SPDX-License-Identifier: Apache-2.0
// Landlock: the process may touch the files that it may see (visible.h), in the way that
// is said there, and no others, whatever its user may.
//
// A second fence behind the root view: it holds where mount namespaces are not to be had,
// and what a hole in the one lets through stops at the other.
// landlock(7); https://docs.kernel.org/userspace-api/landlock.html
//
// Threads: make_ruleset() before the process is made; restrict_self() in it, async-signal-safe.
#pragma once

#include <vector>

#include "base/owned_fd.h"
#include "isolation/confinement.h"
#include "isolation/visible.h"

namespace weft::isolation {

// The rules as a descriptor; none where the kernel has no Landlock, and `fences` says so.
OwnedFd make_ruleset(const std::vector<Visible>& visible, Fences& fences);

// REQUIRES: refuse_new_privileges() (privileges.h).  Returns 0 or an errno.
int restrict_self(int ruleset);

}  // namespace weft::isolation
