// SPDX-License-Identifier: Apache-2.0
// The principals of the config, in the node's own terms: certificates are read from their
// files, and path texts become grants.
//
// Threads: the control thread.
#pragma once

#include "config/config.h"
#include "config/errors.h"
#include "nodeos_api/principals.h"

namespace weft {

// Adds all to `principals`, or says in `errors` what is wrong with each, at its place.
void add_principals(const std::vector<PrincipalConfig>& config, Geni& geni, uint64_t now_ns,
                    Principals& principals, ConfigErrors& errors);

}  // namespace weft
