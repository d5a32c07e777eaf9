// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/credential.h"

#include <unistd.h>

#include <cstring>

#include "nodeos_api/credential_proof.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"

namespace weft {

namespace {

Credential* added(Credential* credential) {
  if (credential != nullptr) credential->node().add(*credential);
  return credential;
}

Credential* made(void* mem, GeniNode& node, const Result<Principals::Known*>& of,
                 std::optional<Certificate> certificate) {
  if (!of) {
    fail(of.error());
    return nullptr;
  }
  return added(Credential::make(mem, node, Grants{.principal = *of}, std::move(certificate)));
}

// Who is at the other side of this call, in this process.
Credential* recognise_caller(void* mem, GeniNode& node, const an_CredSpecData& spec) {
  if (spec.kind == AN_CRED_LOCAL) return credential_of(mem, node, node.principals().of_user(::geteuid()));
  const auto nonce = fresh_nonce();
  if (!nonce) {
    fail(nonce.error());
    return nullptr;
  }
  const auto signature = prove(spec, node.principals().node(), *nonce);
  if (!signature) {
    fail(signature.error());
    return nullptr;
  }
  return recognise_certificate(mem, node, spec.certificate, *nonce, *signature);
}

an_CredInfo info_of(const Credential& credential) {
  an_CredInfo info{};
  if (credential.of() == nullptr) return info;
  const Quota& quota = credential.of()->quota;
  quota.name().copy(info.principal, sizeof info.principal - 1);
  info.memory = quota.limits().memory;
  info.memory_used = quota.reserved_memory() + quota.slots_held() * Packet::kStride;
  info.bandwidth_bits = quota.limits().bandwidth;
  info.bandwidth_reserved = quota.reserved_bandwidth();
  info.domains = quota.limits().domains;
  info.domains_used = quota.domains();
  info.channels = quota.limits().channels;
  info.channels_used = quota.channels();
  info.priority = quota.limits().priority;
  info.threads = quota.limits().threads;
  info.threads_used = quota.threads();
  return info;
}

}  // namespace

Credential* credential_of(void* mem, GeniNode& node, const Result<Principals::Known*>& who) {
  return made(mem, node, who, std::nullopt);
}

Credential* credential_for(GeniNode& node, const Grants& grants) {
  return added(Credential::make(nullptr, node, grants, std::nullopt));
}

Credential* recognise_certificate(void* mem, GeniNode& node, std::string_view pem, const Nonce& nonce,
                                  std::string_view signature) {
  auto certificate = Certificate::parse(pem);
  if (!certificate) {
    fail(certificate.error());
    return nullptr;
  }
  const auto of = node.principals().of_certificate(*certificate, nonce, signature, std::time(nullptr));
  return made(mem, node, of, std::move(*certificate));
}

void Credential::destroy() {
  bury();
  node_.remove(*this);
  free_memory();
}

}  // namespace weft

using namespace weft;

extern "C" {

an_Cred an_credCreate(void* mem, an_CredSpec spec) {
  if (on_own_thread()) return handed_over([&] { return an_credCreate(mem, spec); });
  auto* node = static_cast<GeniNode*>(Node::only());
  if (node == nullptr) {
    fail(AN_EINVAL, "a credential needs a process with one node, and there is none, or more than one");
    return nullptr;
  }
  if (!node->allows_control()) return nullptr;
  if (auto good = check_cred_spec(spec); !good) {
    fail(good.error());
    return nullptr;
  }
  Credential* credential = recognise_caller(mem, *node, *spec);
  return credential != nullptr ? credential->handle() : nullptr;
}

int an_credDestroy(an_Cred c) {
  if (on_own_thread()) return handed_over([&] { return an_credDestroy(c); });
  Credential* credential = find<Credential>(c);
  if (credential == nullptr || !credential->node().allows_control()) return an_errno();
  credential->destroy();
  return AN_OK;
}

int an_credCheck(an_Cred c, an_CredInfo* info) {
  if (on_own_thread()) return handed_over([&] { return an_credCheck(c, info); });
  const Credential* credential = find<Credential>(c);
  if (credential == nullptr || !credential->node().allows_control()) return an_errno();
  if (auto good = credential->check(std::time(nullptr)); !good) return fail(good.error());
  return info != nullptr ? fill_sized(info, info_of(*credential)) : int{AN_OK};
}

}  // extern "C"
