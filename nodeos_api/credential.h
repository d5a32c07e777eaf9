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

// What a domain is let have for it, in place of what its parent has.
struct Grants {
  Principals::Known* principal = nullptr;  // null: nobody's; its parent's
  FileSpace* files = nullptr;              // likewise
};

class Credential final : public Object<Credential>, public CredKind {
 public:
  Credential(GeniNode& node, const Grants& grants, std::optional<Certificate> certificate)
      : node_(node), grants_(grants), certificate_(std::move(certificate)) {}

  GeniNode& node() const { return node_; }
  const Grants& grants() const { return grants_; }
  // Null: of nobody in particular.
  Principals::Known* of() const { return grants_.principal; }
  // Whether it is still good.  Errors: kPermission (its certificate has expired meanwhile).
  Result<void> check(std::time_t now) const {
    return certificate_ ? certificate_->check_valid(now) : Result<void>();
  }
  void destroy();

 private:
  GeniNode& node_;
  const Grants grants_;
  std::optional<Certificate> certificate_;
};

// The credential of a principal that is known by other means.  Null, with the failure noted, if
// it is nobody.
Credential* credential_of(void* mem, GeniNode& node, const Result<Principals::Known*>& who);
// What the operator lets an EE have.  Null, with the failure noted, if there are no handles left.
Credential* credential_for(GeniNode& node, const Grants& grants);
// That of who was recognised by a certificate and the signature of what the node asked with
// `nonce`.  Likewise.
Credential* recognise_certificate(void* mem, GeniNode& node, std::string_view pem, const Nonce& nonce,
                                  std::string_view signature);

}  // namespace weft
