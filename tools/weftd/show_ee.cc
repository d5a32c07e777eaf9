// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show_ee.h"

#include <numeric>

#include "nodeos_api/channel.h"
#include "nodeos_api/drop_reason.h"
#include "nodeos_api/snow/session.h"

namespace weft {

namespace {

using admin::Json;

Json domain_number(an_Domain handle) {
  Domain* const domain = handle != nullptr ? find<Domain>(handle) : nullptr;
  return domain != nullptr ? Json(domain->index()) : Json();
}

double seconds(uint64_t from_ns, uint64_t to_ns) {
  return to_ns > from_ns ? double(to_ns - from_ns) / 1e9 : 0;
}

Json json_of(const mee::EeView& ee, uint64_t now_ns) {
  return {{"ee", ee.name},
          {"state", mee::name(ee.state)},
          {"place", ee.facts.place},
          {"domain", domain_number(ee.facts.domain)},
          {"restart", mee::name(ee.restart)},
          {"starts", ee.starts},
          {"for_seconds", seconds(ee.since_ns, now_ns)},
          {"next_start_seconds", ee.due_ns == UINT64_MAX ? Json() : Json(seconds(now_ns, ee.due_ns))},
          {"last_end", ee.last},
          {"fences", ee.facts.has},
          {"lacks", ee.facts.lacks}};
}

// The management EE itself: it runs as long as the node does.
Json json_of(const mee::Manager& manager) {
  return {{"ee", "mee"},           {"state", "running"},
          {"place", "weftd"},      {"domain", domain_number(manager.domain())},
          {"restart", "never"},    {"starts", 1},
          {"for_seconds", Json()}, {"next_start_seconds", Json()},
          {"last_end", ""},        {"fences", Json::array()},
          {"lacks", Json::array()}};
}

Json list(Assembly& node, const std::string& only) {
  Json rows = Json::array();
  const mee::Manager& manager = node.ees().manager();
  if (only.empty()) rows.push_back(json_of(manager));
  for (const mee::EeView& ee : manager.list()) {
    if (only.empty() || ee.name == only) rows.push_back(json_of(ee, node.clock().now_ns()));
  }
  return {{"ees", std::move(rows)}};
}

// --- domains and channels -----------------------------------------------------

// Whose domain it is: the EE's that it belongs to, or that one of its ancestors belongs to.
class Owners {
 public:
  explicit Owners(Assembly& node) {
    names_[node.nodeos().root().handle()] = "node";
    names_[node.ees().manager().domain()] = "mee";
    for (const mee::EeView& ee : node.ees().manager().list()) {
      if (ee.facts.domain != nullptr) names_[ee.facts.domain] = ee.name;
    }
  }
  std::string of(const Domain& domain) const {
    for (const Domain* d = &domain; d != nullptr; d = d->parent()) {
      if (const auto found = names_.find(d->handle()); found != names_.end()) return found->second;
    }
    return "";
  }

 private:
  std::map<an_Domain, std::string> names_;
};

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

// Where an EE of the config runs.
std::string place_of(Assembly& node, const std::string& ee) {
  for (const mee::EeView& view : node.ees().manager().list()) {
    if (view.name == ee) return view.facts.place;
  }
  return "";
}

// Who it is, and what of its limits it has used.
Json json_of(Assembly& node, const snow::Session& session, const Owners& owners) {
  const Domain* const top = session.top() != nullptr ? find<Domain>(session.top()) : nullptr;
  const std::string owner = top != nullptr ? owners.of(*top) : "";
  const bool joined = owner == "node";  // by the socket: no EE of the config
  const auto principal = session.principal();
  const ucred& peer = session.peer();
  return {{"ee", joined ? "" : owner},
          {"place", joined ? "process " + std::to_string(peer.pid) : place_of(node, owner)},
          {"user", joined ? Json(peer.uid) : Json()},
          {"principal", principal ? (*principal)->principal.name : ""},
          {"domain", domain_number(session.top())},
          {"objects", session.objects()},
          {"objects_limit", session.limits().objects},
          {"packets_limit", session.limits().packets_made}};
}

// What crosses.  "in" is from the EE, as of all partners.
void add_crossing(Json& row, const snow::Border& border) {
  const PartnerStats& ring = border.ring().stats();
  Json drops = Json::object();
  uint64_t dropped = 0;
  for (size_t i = 0; i < kDropReasons; ++i) {
    const uint64_t n = border.drops()[DropReason(i)] + ring.drops[DropReason(i)];
    if (n != 0) drops[name(DropReason(i))] = n;
    dropped += n;
  }
  row.update({{"in", ring.rx_packets.value()},
              {"in_bytes", ring.rx_bytes.value()},
              {"out", ring.tx_packets.value()},
              {"out_bytes", ring.tx_bytes.value()},
              {"refused", ring.refused.value()},
              {"faults", border.ring().faults()},
              {"dropped", dropped},
              {"drops", std::move(drops)}});
}

}  // namespace

Result<Json> manage_ee(Assembly& node, const Json& request) {
  const auto action = admin::text_of(request, "action");
  if (!action) return action.error();
  if (*action == "list") return list(node, "");
  const auto name = admin::text_of(request, "name");
  if (!name) return name.error();
  mee::Manager& manager = node.ees().manager();
  Result<void> done =
      Error{Code::kInvalid, "an EE cannot '" + *action + "'; there are list, start, stop, restart"};
  if (*action == "start") done = manager.start(*name);
  if (*action == "stop") done = manager.stop(*name);
  if (*action == "restart") done = manager.restart(*name);
  if (!done) return done.error();
  return list(node, *name);
}

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

Result<Json> show_snow(Assembly& node) {
  const Owners owners(node);
  Json rows = Json::array();
  for (const snow::Session* session : node.nodeos().sessions()) {
    Json row = json_of(node, *session, owners);
    if (const snow::Border* border = session->crossing()) add_crossing(row, *border);
    rows.push_back(std::move(row));
  }
  return Json{{"snow", std::move(rows)}};
}

}  // namespace weft
