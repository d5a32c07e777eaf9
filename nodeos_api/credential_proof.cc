// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/credential_proof.h"

namespace weft {

Result<void> check_cred_spec(an_CredSpec spec) {
  if (spec == nullptr || spec->size < sizeof *spec)
    return Error{Code::kInvalid, "a credential needs a specification that begins with its size"};
  const bool proof = spec->kind == AN_CRED_X509 && spec->certificate != nullptr && spec->key != nullptr;
  if (spec->kind == AN_CRED_LOCAL || proof) return {};
  return Error{Code::kInvalid, "a credential is local, or a certificate and its key"};
}

Result<std::string> prove(const an_CredSpecData& spec, std::string_view node, const Nonce& nonce) {
  auto certificate = Certificate::parse(spec.certificate);
  if (!certificate) return certificate.error();
  return sign(spec.key, certificate->challenge(node, nonce));
}

}  // namespace weft
