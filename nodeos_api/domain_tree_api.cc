// SPDX-License-Identifier: Apache-2.0
// The calls that make and end domains, and show their tree, at the C border.
#include <algorithm>

#include "nodeos_api/domain_means.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"

namespace weft {

namespace {

Domain* parent_of_new(an_Domain parent) {
  if (running.ended) {
    fail(AN_EDEAD, "the domain of this code has ended");
    return nullptr;
  }
  if (parent == nullptr && running.domain != nullptr) parent = running.domain->handle();
  if (parent != nullptr) {
    Domain* const domain = find_open(parent);
    if (domain == nullptr || domain->is_callers()) return domain;
    fail(AN_EPERM, "a domain makes others below itself or its descendants, not elsewhere");
    return nullptr;
  }
  if (Node* node = Node::only()) return &node->root();
  fail(AN_EINVAL,
       "a domain without a parent needs a process with one node, and there is none, or more than one");
  return nullptr;
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_Domain an_domainCreate(void* mem, an_Domain parent, an_Cred cred, an_ThreadPoolSpec threads,
                          an_MemPool mempool, an_DomainInitFunc initfn, void* initarg,
                          an_DomainTermFunc termfn, void* termarg) {
  if (on_own_thread()) {
    return handed_over([&] {
      return an_domainCreate(mem, parent, cred, threads, mempool, initfn, initarg, termfn, termarg);
    });
  }
  Domain* above = parent_of_new(parent);
  if (above == nullptr || !above->node().allows_control()) return nullptr;
  Node& node = above->node();
  if (above->level() >= Domain::kDeepest) {
    fail(AN_ELIMIT, "domains nest at most 64 deep");
    return nullptr;
  }
  DomainMeans means;
  if (!means.accept(*above, threads, mempool)) return nullptr;
  Domain* domain = Domain::make(mem, node, above);
  if (domain == nullptr) return nullptr;
  if (!node.admit(*domain, cred)) {
    domain->bury();
    domain->free_memory();
    return nullptr;
  }
  above->add(*domain);
  means.give(*domain);
  if (const int status = domain->initialise(initfn, initarg); status != AN_OK) {
    node.end(*domain, AN_TERM_DESTROYED);
    const bool known = status > AN_OK && status <= AN_EBUSY;
    fail(known ? an_Status(status) : AN_EINVAL, "the init function refused the domain");
    return nullptr;
  }
  domain->set_termination(termfn, termarg);
  return domain->handle();
}

int an_domainDestroy(an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_domainDestroy(d); });
  Domain* domain = find_open(d);
  if (domain == nullptr || !domain->may_be_destroyed()) return an_errno();
  domain->node().end(*domain, AN_TERM_DESTROYED);
  return AN_OK;
}

an_Domain an_domainSelf(void) {
  if (on_own_thread()) return running.thread->domain_handle();
  return running.domain != nullptr ? running.domain->handle() : nullptr;
}

an_Domain an_domainParent(an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_domainParent(d); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr) return nullptr;
  if (domain->parent() == nullptr) {
    fail(AN_ENOENT, "a root domain has no parent");
  } else if (domain->level() == Domain::kTopmost && (running.domain != nullptr || running.ended)) {
    fail(AN_ENOENT, "what is above the topmost domain of an EE is not the EE's");
  } else {
    return domain->parent()->handle();
  }
  return nullptr;
}

int an_domainChildren(an_Domain d, an_Domain* children, size_t max, size_t* count) {
  if (on_own_thread()) return handed_over([&] { return an_domainChildren(d, children, max, count); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr) return an_errno();
  if (count == nullptr || (children == nullptr && max > 0)) {
    return fail(AN_EINVAL, "a place for the children and one for their number are wanted");
  }
  return domain->node().carry([&]() -> int {
    *count = domain->children().size();
    for (size_t i = 0; i < std::min(max, *count); ++i) children[i] = domain->children()[i]->handle();
    return AN_OK;
  });
}

}  // extern "C"
