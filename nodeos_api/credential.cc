// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/credential.h"

#include <unistd.h>

#include <cstring>

#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"

namespace weft {

namespace {

struct Shown {
  Principals::Known* of;
  std::optional<Certificate> certificate;
};

// Who is at the other side of this call, in this process.
Result<Shown> recognise(const Principals& principals, const an_CredSpecData& spec) {
  if (spec.kind == AN_CRED_LOCAL) {
    auto of = principals.of_user(::geteuid());
    if (!of) return of.error();
    return Shown{*of, std::nullopt};
  }
  if (spec.kind != AN_CRED_X509 || spec.certificate == nullptr || spec.key == nullptr) {
    return Error{Code::kInvalid, "a credential is local, or a certificate and its key"};
  }
  auto certificate = Certificate::parse(spec.certificate);
  if (!certificate) return certificate.error();
  auto nonce = fresh_nonce();
  if (!nonce) return nonce.error();
  auto signature = sign(spec.key, certificate->challenge(principals.node(), *nonce));
  if (!signature) return signature.error();
  auto of = principals.of_certificate(*certificate, *nonce, *signature, std::time(nullptr));
  if (!of) return of.error();
  return Shown{*of, std::move(*certificate)};
}

an_CredInfo info_of(const Credential& credential) {
  const Quota& quota = credential.of().quota;
  an_CredInfo info{};
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
  return info;
}

}  // namespace

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
  if (spec == nullptr || spec->size < sizeof *spec) {
    fail(AN_EINVAL, "a credential needs a specification that begins with its size");
    return nullptr;
  }
  auto shown = recognise(node->principals(), *spec);
  if (!shown) {
    fail(shown.error());
    return nullptr;
  }
  Credential* made = Credential::make(mem, *node, *shown->of, std::move(shown->certificate));
  if (made == nullptr) return nullptr;
  node->add(*made);
  return made->handle();
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
