// SPDX-License-Identifier: Apache-2.0
// The library's calls on credentials.  A certificate's key signs here, and does not cross.
#include "nodeos_api/credential_proof.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/snow/snow_credential.h"

namespace weft::snow {

namespace {

// Answers the node's challenge.  Errors: noted.
bool sign_challenge(Connection& node, const an_CredSpecData& spec, std::string* signature) {
  Challenge challenge{};
  std::vector<uint8_t> name;
  if (node.call<Call::kCredChallenge>({}, &challenge, {}, &name) != AN_OK) return false;
  auto proof = prove(spec, {reinterpret_cast<const char*>(name.data()), name.size()}, challenge.nonce);
  if (!proof) {
    fail(proof.error());
    return false;
  }
  *signature = std::move(*proof);
  return true;
}

bool show(Connection& node, const an_CredSpecData& spec, CredCreated* made) {
  if (spec.kind == AN_CRED_LOCAL) return node.call<Call::kCredCreate>({spec.kind, 0, {}, {}}, made) == AN_OK;
  std::string signature;
  if (!sign_challenge(node, spec, &signature)) return false;
  Texts texts;
  const Text certificate = texts.add(spec.certificate);
  const CredCreate request{spec.kind, 0, certificate, texts.add(signature.data(), signature.size())};
  return node.call<Call::kCredCreate>(request, made, texts) == AN_OK;
}

}  // namespace

}  // namespace weft::snow

using namespace weft;
using namespace weft::snow;

extern "C" {

an_Cred an_credCreate(void* mem, an_CredSpec spec) {
  if (on_own_thread()) return handed_over([&] { return an_credCreate(mem, spec); });
  auto* node = static_cast<SnowNode*>(Node::only());
  if (node == nullptr) {
    fail(AN_EINVAL, "a credential needs a node, and this process is not joined to one");
    return nullptr;
  }
  if (!node->allows_control()) return nullptr;
  if (auto good = check_cred_spec(spec); !good) {
    fail(good.error());
    return nullptr;
  }
  CredCreated made{};
  if (!show(node->connection(), *spec, &made)) return nullptr;
  SnowCredential* credential = SnowCredential::make(mem, *node, made);
  if (credential == nullptr) {
    const LastFailure why = LastFailure::of_this_thread();
    node->connection().call<Call::kCredDestroy>({made.handle});
    LastFailure::of_this_thread() = why;
    return nullptr;
  }
  node->add(*credential);
  return credential->handle();
}

int an_credDestroy(an_Cred c) {
  if (on_own_thread()) return handed_over([&] { return an_credDestroy(c); });
  SnowCredential* credential = find<SnowCredential>(c);
  if (credential == nullptr || !credential->node().allows_control()) return an_errno();
  credential->destroy();
  return AN_OK;
}

// The node does not see this process's threads, nor what its domains hold of a memory that is not
// charged for as a whole.
int an_credCheck(an_Cred c, an_CredInfo* info) {
  if (on_own_thread()) return handed_over([&] { return an_credCheck(c, info); });
  const SnowCredential* credential = find<SnowCredential>(c);
  if (credential == nullptr || !credential->node().allows_control()) return an_errno();
  an_CredInfo full{};
  if (credential->node().connection().call<Call::kCredCheck>({credential->at_node()}, &full) != AN_OK) {
    return an_errno();
  }
  const Quota& quota = credential->quota();
  if (&quota != credential->node().root().quota()) full.memory_used += quota.slots_held() * Packet::kStride;
  full.threads_used += quota.threads();
  return info != nullptr ? fill_sized(info, full) : int{AN_OK};
}

}  // extern "C"
