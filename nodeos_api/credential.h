// SPDX-License-Identifier: Apache-2.0
// Credential: somebody showed who they are, or the operator said it of an EE, and the node knows
// them.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/geni_node.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"

namespace weft {

class Credential final : public Object<Credential>, public CredKind {
 public:
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

// The credential of a principal that is known by other means.  Null, with the failure noted, if
// it is nobody.
Credential* credential_of(void* mem, GeniNode& node, const Result<Principals::Known*>& who);
// That of who was recognised by a certificate and the signature of what the node asked with
// `nonce`.  Likewise.
Credential* recognise_certificate(void* mem, GeniNode& node, std::string_view pem, const Nonce& nonce,
                                  std::string_view signature);

}  // namespace weft
