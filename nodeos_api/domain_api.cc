// SPDX-License-Identifier: Apache-2.0
// The calls on domains, at the C border.
#include <algorithm>

#include "nodeos_api/channel.h"
#include "nodeos_api/credential.h"
#include "nodeos_api/demuxkey.h"
#include "nodeos_api/domain.h"
#include "nodeos_api/domain_means.h"
#include "nodeos_api/drop_reason.h"
#include "nodeos_api/event.h"
#include "nodeos_api/file.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/send_addr.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/sizes.h"

namespace weft {

namespace {

Domain* parent_of_new(an_Domain parent) {
  if (parent != nullptr) return find_open(parent);
  if (Node* node = Node::only()) return &node->root();
  fail(AN_EINVAL,
       "a domain without a parent needs a process with one node, and there is none, or more than one");
  return nullptr;
}

an_DomainStats stats_of(Domain& domain) {
  const Domain::Ledger& ledger = domain.ledger();
  an_DomainStats s{};
  s.packets_received = ledger.received.value();
  s.packets_made = ledger.made.value();
  s.packets_sent = ledger.sent.value();
  s.packets_held = ledger.held.value();
  s.cycles = domain.account().cycles();
  s.bits = domain.account().bits();
  s.children = domain.children().size();
  s.channels = domain.channels().size();
  s.events = domain.events().size();
  s.demux_keys = domain.parts().size();
  for (const DomainChannel* channel : domain.channels()) s.packets_waiting += channel->waiting();
  s.suspended = domain.suspended();
  for (int i = 0; i < AN_DROP_REASONS; ++i) s.dropped[i] = ledger.drops[to_drop_reason(an_DropReason(i))];
  return s;
}

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

int set_suspended(an_Domain handle, bool suspended) {
  if (on_own_thread()) return handed_over([&] { return set_suspended(handle, suspended); });
  Domain* domain = find_open(handle);
  if (domain == nullptr || !domain->may_be_suspended(suspended)) return an_errno();
  return domain->node().carry([&]() -> int {
    domain->suspend(suspended);
    return AN_OK;
  });
}

// Nothing of the domain exists but the object.
int refuse(Domain& domain, int status) {
  domain.set_termination(nullptr, nullptr);
  domain.end(AN_TERM_DESTROYED);
  return status;
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

size_t an_sizeof(an_Kind kind) {
  switch (kind) {
    case AN_INCHAN:
      return sizeof(InChannel);
    case AN_OUTCHAN:
      return sizeof(OutChannel);
    case AN_CUTCHAN:
      return sizeof(CutChannel);
    case AN_DEMUXKEY:
      return sizeof(DemuxKeyObject);
    case AN_FILE:
      return sizeof(FileObject);
    case AN_DIR:
      return sizeof(DirObject);
    case AN_CRED:
      return sizeof(Credential);
    case AN_SENDADDR:
      return sizeof(SendAddr);
    default:
      return size_of_shared(kind);
  }
}

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
  DomainMeans means;
  if (!means.accept(*above, threads, mempool)) return nullptr;
  Quota* quota = above->quota();
  if (cred != nullptr && !find_quota(cred, above->node(), &quota)) return nullptr;
  if (quota != nullptr) {
    if (auto admitted = quota->admit_domain(); !admitted) {
      fail(admitted.error());
      return nullptr;
    }
  }
  Domain* domain = Domain::make(mem, above->node(), above);
  if (domain == nullptr) {
    if (quota != nullptr) quota->release_domain();
    return nullptr;
  }
  domain->draw_on(quota);
  above->add(*domain);
  means.give(*domain);
  if (const int status = domain->initialise(initfn, initarg); status != AN_OK) {
    refuse(*domain, status);
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
  domain->end(AN_TERM_DESTROYED);
  return AN_OK;
}

int an_domainSuspend(an_Domain d) { return set_suspended(d, true); }

int an_domainResume(an_Domain d) { return set_suspended(d, false); }

int an_domainGetStats(an_Domain d, an_DomainStats* stats) {
  if (on_own_thread()) return handed_over([&] { return an_domainGetStats(d, stats); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr) return an_errno();
  return fill_sized(stats, domain->node().carry([&] { return stats_of(*domain); }));
}

int an_log(an_Domain d, an_LogLevel level, const char* text) {
  if (on_own_thread()) return handed_over([&] { return an_log(d, level, text); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr) return an_errno();
  if (text == nullptr || level < AN_LOG_DEBUG || level > AN_LOG_ERROR) {
    return fail(AN_EINVAL, "a log line needs a level and a text");
  }
  domain->log(level, text);
  return AN_OK;
}

}  // extern "C"
