// SPDX-License-Identifier: Apache-2.0
// The library's calls on domains and the node.
#include "nodeos_api/drop_reason.h"
#include "nodeos_api/event.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/sizes.h"
#include "nodeos_api/snow/snow_channel.h"
#include "nodeos_api/snow/snow_credential.h"
#include "nodeos_api/snow/snow_file.h"
#include "nodeos_api/snow/snow_send_addr.h"

namespace weft::snow {

namespace {

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
  return to_node(*domain).call<kCall>({domain->at_node()});
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
  return size_of<SnowInChannel, SnowOutChannel, SnowCutChannel, SnowDemuxKey, SnowCredential, SnowSendAddr,
                 SnowFile, SnowDir>(kind);
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
  if (to_node(*domain).call<Call::kDomainGetStats>({domain->at_node()}, &full) != AN_OK) {
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
  return to_node(*domain).call<Call::kLog>(request, nullptr, texts);
}

int an_nodeInfo(const char* feature, uint64_t* value) { return node_info(feature, value, false); }

}  // extern "C"
