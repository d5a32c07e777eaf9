// SPDX-License-Identifier: Apache-2.0
// Principals: who may have what of this node, as the operator says, and what each has.
//
// What the operator says is passive data (Principal), filled by whoever reads the config.
// With it the node recognises who shows a credential, and admits what they ask for.
//
// Threads: the control thread; quotas as quota.h says.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geni/geni.h"
#include "nodeos_api/certificate.h"
#include "nodeos_api/path_grant.h"
#include "nodeos_api/quota.h"

namespace weft {

struct Principal {
  std::string name;
  // How it shows that it is; none of these, if only the operator says who it is.
  std::optional<uid_t> uid;                // a process of that user
  std::optional<Certificate> certificate;  // this very certificate, and its key
  std::optional<Certificate> issuer;       // one that this issued ...
  std::string subject;                     // ... for that name (RFC 4514)
  // What it may have.
  QuotaLimits limits;
  std::vector<PathGrant> paths;
};

class Principals {
 public:
  // `node` is the name that signatures are for.
  explicit Principals(std::string node) : node_(std::move(node)) {}

  // Errors: kExists (the name, or the identity, is taken); kProtocolSpec, kAddressSpec (a path
  // text that cannot be, with its column; `wrong_path`, if given, is set to its index).
  Result<void> add(Principal principal, const Geni& geni, uint64_t now_ns, size_t* wrong_path = nullptr);

  // A principal, and what it has.
  struct Known {
    Known(Principal p, uint64_t now_ns)
        : principal(std::move(p)), quota(principal.name, principal.limits, now_ns) {}
    Principal principal;
    Quota quota;
  };
  const std::string& node() const { return node_; }
  const std::vector<std::unique_ptr<Known>>& all() const { return known_; }

  // The principal of that name; null if there is none.
  Known* named(std::string_view name) const;
  // Each names who it is.  Errors: kPermission, with a sentence that says what is missing.
  Result<Known*> of_user(uid_t uid) const;
  // `signature`: of the challenge that this node made with `nonce`.
  Result<Known*> of_certificate(const Certificate& certificate, const Nonce& nonce,
                                std::string_view signature, std::time_t now) const;

  // Whether the principal of that quota may open a path.  Errors: kPermission; as Geni::resolve.
  Result<void> check_path(const Quota& quota, std::string_view text, const Geni& geni) const;

 private:
  std::string node_;
  std::vector<std::unique_ptr<Known>> known_;
};

}  // namespace weft
