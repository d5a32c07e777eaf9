// SPDX-License-Identifier: Apache-2.0
// No privileges, and none to come.
//
// Threads: between clone and exec; async-signal-safe.  Each returns 0 or an errno.
#pragma once

namespace weft::isolation {

// Empties the bounding set, so that no program that is executed later brings a capability
// along.  Needs CAP_SETPCAP, so it stands before the change of user; without that
// capability there is nothing in the bounding set that could be used, and 0 is returned.
// capabilities(7), "Capability bounding set"; PR_CAPBSET_DROP in prctl(2)
int empty_bounding_set();

// Gives all other capabilities up: effective, permitted, inheritable, ambient.  capset(2);
// PR_CAP_AMBIENT in prctl(2)
int drop_capabilities();

// From now on execve(2) grants nothing that the process does not have: no set-user-ID, no
// file capabilities.  Landlock and seccomp ask for it too.
// https://docs.kernel.org/userspace-api/no_new_privs.html
int refuse_new_privileges();

}  // namespace weft::isolation
