// SPDX-License-Identifier: Apache-2.0
// Credential: somebody showed who they are, and the node knows them.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/geni_node.h"
#include "nodeos_api/object.h"

namespace weft {

class Credential final : public Object<Credential> {
 public:
  using Handle = an_Cred;
  static constexpr an_Kind kKind = AN_CRED;
  static constexpr const char* kDead = "the credential was destroyed";
  static constexpr const char* kNever = "not a credential";

  Credential(GeniNode& node, Principals::Known& of, std::optional<Certificate> certificate)
      : node_(node), of_(of), certificate_(std::move(certificate)) {}

  GeniNode& node() const { return node_; }
  Principals::Known& of() const { return of_; }
  // Whether it is still good.  Errors: kPermission (its certificate has expired meanwhile).
  Result<void> check(std::time_t now) const {
    return certificate_ ? certificate_->check_valid(now) : Result<void>();
  }
  void destroy();

 private:
  GeniNode& node_;
  Principals::Known& of_;
  std::optional<Certificate> certificate_;
};

}  // namespace weft
