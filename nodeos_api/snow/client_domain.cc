// SPDX-License-Identifier: Apache-2.0
// The library's calls on domains and the node.
#include "nodeos_api/domain_means.h"
#include "nodeos_api/drop_reason.h"
#include "nodeos_api/event.h"
#include "nodeos_api/file.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/sizes.h"
#include "nodeos_api/snow/snow_credential.h"
#include "nodeos_api/snow/snow_send_addr.h"

namespace weft::snow {

namespace {

Domain* parent_of_new(an_Domain parent) {
  if (parent != nullptr) return find_open(parent);
  if (Node* node = Node::only()) return &node->root();
  fail(AN_EINVAL, "a domain without a parent needs a node, and this process is not joined to one");
  return nullptr;
}

// The domain's counterpart in the node.
bool make_at_node(Domain& domain, const SnowCredential* shown) {
  Created made{};
  const DomainCreate request{domain.parent()->at_node(), reinterpret_cast<uint64_t>(domain.handle()),
                             shown != nullptr ? shown->at_node() : 0};
  if (SnowNode::of(domain).connection().call<Call::kDomainCreate>(request, &made) != AN_OK) return false;
  domain.set_at_node(made.handle);
  return true;
}

void end(Domain& domain) { domain.node().end(domain, AN_TERM_DESTROYED); }

int set_suspended(an_Domain handle, bool suspended) {
  Domain* domain = find_open(handle);
  if (domain == nullptr || !domain->may_be_suspended(suspended)) return an_errno();
  return domain->node().carry([&]() -> int {
    domain->suspend(suspended);
    return AN_OK;
  });
}

template <Call kCall>
int tell_node(an_Domain handle) {
  const Domain* domain = find_open(handle);
  if (domain == nullptr || !domain->node().allows_call()) return an_errno();
  return SnowNode::of(*domain).connection().call<kCall>({domain->at_node()});
}

// What this process knows of it better than the node.
void add_own_stats(Domain& domain, an_DomainStats* s) {
  const Domain::Ledger& ledger = domain.ledger();
  s->packets_received = ledger.received.value();
  s->packets_made = ledger.made.value();
  s->packets_sent = ledger.sent.value();
  s->packets_held = ledger.held.value();
  s->cycles += domain.account().cycles();
  s->events = domain.events().size();
  for (const DomainChannel* channel : domain.channels()) s->packets_waiting += channel->waiting();
  for (int i = 0; i < AN_DROP_REASONS; ++i) s->dropped[i] = ledger.drops[to_drop_reason(an_DropReason(i))];
}

}  // namespace

}  // namespace weft::snow

using namespace weft;
using namespace weft::snow;

extern "C" {

size_t an_sizeof(an_Kind kind) {
  switch (kind) {
    case AN_INCHAN:
      return sizeof(SnowInChannel);
    case AN_OUTCHAN:
      return sizeof(SnowOutChannel);
    case AN_CUTCHAN:
      return sizeof(SnowCutChannel);
    case AN_DEMUXKEY:
      return sizeof(SnowDemuxKey);
    case AN_CRED:
      return sizeof(SnowCredential);
    case AN_SENDADDR:
      return sizeof(SnowSendAddr);
    case AN_FILE:
      return sizeof(FileObject);
    case AN_DIR:
      return sizeof(DirObject);
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
  const SnowCredential* shown = nullptr;
  if (cred != nullptr && (shown = find<SnowCredential>(cred)) == nullptr) return nullptr;
  Domain* domain = Domain::make(mem, above->node(), above);
  if (domain == nullptr) return nullptr;
  if (!make_at_node(*domain, shown)) {
    domain->bury();
    domain->free_memory();
    return nullptr;
  }
  if (Quota* quota = shown != nullptr ? &shown->quota() : above->quota()) {
    (void)quota->admit_domain();  // the node counts them
    domain->draw_on(quota);
  }
  above->add(*domain);
  means.give(*domain);
  if (const int status = domain->initialise(initfn, initarg); status != AN_OK) {
    end(*domain);
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
  end(*domain);
  return AN_OK;
}

// What was on its way when the node heard of it waits in this process.
int an_domainSuspend(an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_domainSuspend(d); });
  const int status = set_suspended(d, true);
  return status == AN_OK ? tell_node<Call::kDomainSuspend>(d) : status;
}

// So that goes before what waited in the node, in the order of its channels' priorities.
int an_domainResume(an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_domainResume(d); });
  const int status = set_suspended(d, false);
  return status == AN_OK ? tell_node<Call::kDomainResume>(d) : status;
}

int an_domainGetStats(an_Domain d, an_DomainStats* stats) {
  if (on_own_thread()) return handed_over([&] { return an_domainGetStats(d, stats); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr || !domain->node().allows_call()) return an_errno();
  an_DomainStats full{};
  if (SnowNode::of(*domain).connection().call<Call::kDomainGetStats>({domain->at_node()}, &full) != AN_OK) {
    return an_errno();
  }
  return fill_sized(stats, domain->node().carry([&] {
    add_own_stats(*domain, &full);
    return full;
  }));
}

int an_log(an_Domain d, an_LogLevel level, const char* text) {
  if (on_own_thread()) return handed_over([&] { return an_log(d, level, text); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr || !domain->node().allows_call()) return an_errno();
  if (text == nullptr) return fail(AN_EINVAL, "a log line needs a level and a text");
  Texts texts;
  const Log request{domain->at_node(), level, 0, texts.add(text)};
  return SnowNode::of(*domain).connection().call<Call::kLog>(request, nullptr, texts);
}

int an_nodeInfo(const char* feature, uint64_t* value) { return node_info(feature, value, false); }

}  // extern "C"
