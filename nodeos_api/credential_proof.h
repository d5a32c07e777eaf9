// SPDX-License-Identifier: Apache-2.0
// What an EE shows of itself, in its own process: the key stays there.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "nodeos_api/an.h"
#include "nodeos_api/certificate.h"

namespace weft {

// Errors: kInvalid (its size, its kind, or a certificate without a key).
Result<void> check_cred_spec(an_CredSpec spec);
// The signature by the specification's key of what the node, of that name, asked with `nonce`.
// REQUIRES: check_cred_spec(), and it is of a certificate.  Errors: as Certificate::parse and sign.
Result<std::string> prove(const an_CredSpecData& spec, std::string_view node, const Nonce& nonce);

}  // namespace weft
