// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/geni_node.h"

#include <ctime>

#include "nodeos_api/credential.h"

namespace weft {

namespace {

// What a credential lets a domain draw on.  False, with the failure noted, if it is not good.
bool find_quota(an_Cred handle, const Node& node, Quota** quota) {
  const Credential* credential = find<Credential>(handle);
  if (credential == nullptr) return false;
  if (&credential->node() != &node) {
    fail(AN_EINVAL, "the credential is of another node");
    return false;
  }
  if (auto good = credential->check(std::time(nullptr)); !good) {
    fail(good.error());
    return false;
  }
  *quota = &credential->of().quota;
  return true;
}

}  // namespace

GeniNode::~GeniNode() {
  end_domains();
  while (!credentials_.empty()) credentials_.back()->destroy();
}

bool GeniNode::admit(Domain& fresh, an_Cred cred) {
  Quota* quota = fresh.parent()->quota();
  if (cred != nullptr && !find_quota(cred, *this, &quota)) return false;
  if (quota != nullptr) {
    if (auto admitted = quota->admit_domain(); !admitted) {
      fail(admitted.error());
      return false;
    }
  }
  fresh.draw_on(quota);
  return true;
}

}  // namespace weft

extern "C" int an_nodeInfo(const char* feature, uint64_t* value) {
  return weft::node_info(feature, value, true);
}
