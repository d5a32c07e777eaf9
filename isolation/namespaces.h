// SPDX-License-Identifier: Apache-2.0
// Namespaces of the process's own (namespaces(7)):
//
//   network  no interface but a loopback that is down: packets go through the NodeOS
//   mount    a root of its own (root_view.h)
//   pid      sees, and can signal, no other process; it is the first in its own
//   ipc      no System V or POSIX queues and segments of others
//   uts      the host's name cannot be changed
//   user     only if we are not root: with it, anybody may have the others (user_namespaces(7))
//
// Threads: choose_namespaces() before the process is made; map_user() in it, async-signal-safe.
#pragma once

#include <cstdint>
#include <string>

namespace weft::isolation {

struct Namespaces {
  uint64_t flags = 0;  // CLONE_NEW... for clone3(2); 0: none
  // What /proc/self/uid_map and gid_map are to say, where there is a user namespace: we
  // stay who we are.
  std::string uid_map, gid_map;
};

Namespaces choose_namespaces();

// Returns 0 or an errno.  Nothing to do where there is no user namespace.
int map_user(const Namespaces& namespaces);

}  // namespace weft::isolation
