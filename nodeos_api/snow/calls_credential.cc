// SPDX-License-Identifier: Apache-2.0
// Calls on credentials.  Who the EE is says the operator, or the kernel, which knows its user;
// whose certificate it shows, a signature of what the node asked.
#include "nodeos_api/credential.h"
#include "nodeos_api/snow/calls.h"

namespace weft::snow {

namespace {

Credential* recognise(Exchange& x, const CredCreate& r) {
  if (r.kind == AN_CRED_LOCAL) return credential_of(nullptr, x.session.node(), x.session.principal());
  OptionalText certificate, signature;
  if (!x.read(r.certificate, &certificate) || !x.read(r.signature, &signature)) return nullptr;
  const auto nonce = x.session.take_nonce();
  if (!nonce || r.kind != AN_CRED_X509 || certificate.c_str() == nullptr || signature.c_str() == nullptr) {
    fail(AN_EINVAL, "a credential is local, or a certificate and the answer to the node's challenge");
    return nullptr;
  }
  return recognise_certificate(nullptr, x.session.node(), certificate.bytes(), *nonce, signature.bytes());
}

}  // namespace

Bounds bounds_of(const Quota& quota) {
  Bounds bounds{{}, quota.limits().memory, quota.limits().bandwidth, quota.limits().threads, 0};
  quota.name().copy(bounds.principal, sizeof bounds.principal - 1);
  return bounds;
}

int serve_CredChallenge(Exchange& x, const Nothing&, Challenge& made) {
  const auto nonce = x.session.make_nonce();
  if (!nonce) return fail(nonce.error());
  made.nonce = *nonce;
  const std::string& name = x.session.node().principals().node();
  x.answer.assign(name.begin(), name.end());
  return AN_OK;
}

int serve_CredCreate(Exchange& x, const CredCreate& r, CredCreated& made) {
  if (!x.session.has_room()) return an_errno();
  Credential* credential = recognise(x, r);
  if (credential == nullptr) return an_errno();
  made.handle = x.session.handles().give<CredKind>(credential->handle());
  made.bounds = bounds_of(credential->of()->quota);
  return AN_OK;
}

int serve_CredDestroy(Exchange& x, const One& r, Nothing&) {
  an_Cred credential = x.session.real<CredKind>(r.handle);
  return credential != nullptr ? an_credDestroy(credential) : an_errno();
}

int serve_CredCheck(Exchange& x, const One& r, an_CredInfo& info) {
  an_Cred credential = x.session.real<CredKind>(r.handle);
  info.size = sizeof info;
  return credential != nullptr ? an_credCheck(credential, &info) : an_errno();
}

}  // namespace weft::snow
