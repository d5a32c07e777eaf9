// SPDX-License-Identifier: Apache-2.0
// Identity: which user a confined process is.
//
// A process that stays root may read the files of root even without capabilities, so a
// weftd that is root starts nothing as root unless the config says so; see credentials(7).
//
// Threads: plain functions; find_identity() before the process is made.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "isolation/confinement.h"

namespace weft::isolation {

struct Identity {
  uid_t user;
  gid_t group;
};

// Whom `wanted` (a name or a number; "": nobody) names.  Nothing when we may not change
// our user; `fences` then says so if `wanted` was not us anyway.
// Errors: kNotFound (no such user).
Result<std::optional<Identity>> find_identity(const std::string& wanted, Fences& fences);

// Becomes that user, without supplementary groups, with no way back.  Returns 0 or an errno.
// Async-signal-safe.  setgroups(2), setresgid(2), setresuid(2)
int become(const Identity& identity);

}  // namespace weft::isolation
