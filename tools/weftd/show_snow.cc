// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show_snow.h"

#include "nodeos_api/snow/session.h"
#include "tools/weftd/owners.h"

namespace weft {

namespace {

using admin::Json;

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
          {"queued", session.queued()},
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
