// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/geni_node.h"

#include <ctime>

#include "nodeos_api/credential.h"

namespace weft {

namespace {

// What a credential lets a domain have.  Null, with the failure noted, if it is not good.
const Grants* find_grants(an_Cred handle, const Node& node) {
  const Credential* credential = find<Credential>(handle);
  if (credential == nullptr) return nullptr;
  if (&credential->node() != &node) {
    fail(AN_EINVAL, "the credential is of another node");
    return nullptr;
  }
  if (auto good = credential->check(std::time(nullptr)); !good) {
    fail(good.error());
    return nullptr;
  }
  return &credential->grants();
}

}  // namespace

GeniNode::~GeniNode() {
  cpu_bounds_.clear();
  end_domains();
  while (!credentials_.empty()) credentials_.back()->destroy();
}

bool GeniNode::admit(Domain& fresh, an_Cred cred) {
  Quota* quota = fresh.parent()->quota();
  FileSpace* files = fresh.parent()->files();
  if (cred != nullptr) {
    const Grants* grants = find_grants(cred, *this);
    if (grants == nullptr) return false;
    if (grants->principal != nullptr) quota = &grants->principal->quota;
    if (grants->files != nullptr) files = grants->files;
  }
  if (quota != nullptr) {
    if (auto admitted = quota->admit_domain(); !admitted) {
      fail(admitted.error());
      return false;
    }
  }
  if (quota != nullptr && quota->limits().cpu != 0) {
    auto& bound = cpu_bounds_[quota];
    if (bound == nullptr) bound = std::make_unique<CpuBound>(worker(), root(), *quota);
  }
  fresh.draw_on(quota);
  fresh.see(files);
  fresh.set_share(fresh.parent()->share());
  if (files != nullptr) has_files_.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace weft

extern "C" int an_nodeInfo(const char* feature, uint64_t* value) {
  return weft::node_info(feature, value, true);
}
