// SPDX-License-Identifier: Apache-2.0
// The calls on domains, at the C border.
#include "nodeos_api/channel.h"
#include "nodeos_api/credential.h"
#include "nodeos_api/demuxkey.h"
#include "nodeos_api/domain.h"
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

int set_suspended(an_Domain handle, bool suspended) {
  if (on_own_thread()) return handed_over([&] { return set_suspended(handle, suspended); });
  Domain* domain = find_open(handle);
  if (domain == nullptr || !domain->may_be_suspended(suspended)) return an_errno();
  return domain->node().carry([&]() -> int {
    domain->suspend(suspended);
    return AN_OK;
  });
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

size_t an_sizeof(an_Kind kind) {
  return size_of<InChannel, OutChannel, CutChannel, DemuxKeyObject, FileObject, DirObject, Credential,
                 SendAddr>(kind);
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
