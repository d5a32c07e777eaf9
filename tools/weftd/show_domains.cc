// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show_domains.h"

#include <numeric>

#include "nodeos_api/channel.h"
#include "tools/weftd/owners.h"

namespace weft {

namespace {

using admin::Json;

template <typename F>
void for_each_domain(const Domain& domain, F&& f) {
  f(domain);
  for (const Domain* child : domain.children()) for_each_domain(*child, f);
}

Json json_of(const Domain& domain, const Owners& owners) {
  an_DomainStats s{};
  s.size = sizeof s;
  an_domainGetStats(domain.handle(), &s);
  return {{"domain", domain.index()},
          {"ee", owners.of(domain)},
          {"parent", domain.parent() != nullptr ? Json(domain.parent()->index()) : Json()},
          {"channels", s.channels},
          {"events", s.events},
          {"received", s.packets_received},
          {"made", s.packets_made},
          {"sent", s.packets_sent},
          {"dropped", std::accumulate(std::begin(s.dropped), std::end(s.dropped), uint64_t{0})},
          {"held", s.packets_held},
          {"cycles", s.cycles}};
}

const char* kind_of(const Channel& channel) {
  if (dynamic_cast<const InChannel*>(&channel) != nullptr) return "in";
  return dynamic_cast<const OutChannel*>(&channel) != nullptr ? "out" : "cut";
}

Json json_of(const Channel& channel, const Owners& owners, const an_ChanStats& s) {
  return {{"domain", channel.domain().index()},
          {"ee", owners.of(channel.domain())},
          {"kind", kind_of(channel)},
          {"path", channel.text()},
          {"in", s.packets_in},
          {"made", s.packets_made},
          {"out", s.packets_out},
          {"dropped", s.packets_dropped},
          {"queue_full", s.packets_queue_full},
          {"held", s.packets_held},
          {"in_bytes", s.bytes_in},
          {"out_bytes", s.bytes_out},
          {"cycles", s.cycles}};
}

}  // namespace

Result<Json> show_domains(Assembly& node) {
  const Owners owners(node);
  Json rows = Json::array();
  for_each_domain(node.nodeos().root(), [&](const Domain& d) { rows.push_back(json_of(d, owners)); });
  return Json{{"domains", std::move(rows)}};
}

Result<Json> show_channels(Assembly& node) {
  const Owners owners(node);
  Json rows = Json::array();
  for_each_domain(node.nodeos().root(), [&](const Domain& d) {
    for (const DomainChannel* each : d.channels()) {
      const auto* const channel = static_cast<const Channel*>(each);  // of a node with paths, all are
      an_ChanStats stats{};
      node.worker().call([&] { stats = channel->stats(); });
      rows.push_back(json_of(*channel, owners, stats));
    }
  });
  return Json{{"channels", std::move(rows)}};
}

}  // namespace weft
