// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show.h"

#include <spdlog/fmt/fmt.h>

#include "tools/weftd/show_domains.h"
#include "tools/weftd/show_pan.h"
#include "tools/weftd/show_routes.h"
#include "tools/weftd/show_snow.h"

namespace weft {

namespace {

using admin::Json;

Json per(uint64_t sum, uint64_t count) { return count == 0 ? Json() : Json(double(sum) / double(count)); }

std::string text_of(const MacAddress& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

Json drops_of(const DropCounters& drops) {
  Json result = Json::object();
  for (size_t i = 0; i < kDropReasons; ++i) {
    if (const uint64_t n = drops[DropReason(i)]; n != 0) result[name(DropReason(i))] = n;
  }
  return result;
}

Json path_facts(const Assembly& node, Opening which, const Path& path) {
  const Path::Ledger ledger = path.ledger();
  const Transform* transform = node.geni().transform_of(which);
  return {
      {"path", path.text()},         {"transform", transform == nullptr ? Json() : Json(transform->name())},
      {"tapped", path.tapped()},     {"in", ledger.in_packets},
      {"in_bytes", ledger.in_bytes}, {"made", ledger.made},
      {"out", ledger.out_packets},   {"out_bytes", ledger.out_bytes},
      {"dropped", path.dropped()},   {"held", path.held()}};
}

Result<Json> show_paths(Assembly& node) {
  Json paths = Json::array();
  node.geni().for_each_path([&](Opening which, Path& path) {
    Json facts = path_facts(node, which, path);
    facts["in_queue_near"] = path.in_queue(End::kNear).size();
    facts["in_queue_far"] = path.in_queue(End::kFar).size();
    facts["out_queue_near"] = path.out_queue(End::kNear).size();
    facts["out_queue_far"] = path.out_queue(End::kFar).size();
    paths.push_back(std::move(facts));
  });
  const PathTotals all = node.geni().totals();  // of those that are closed, too
  return Json{
      {"paths", std::move(paths)},
      {"totals",
       {{"in", all.in}, {"made", all.made}, {"out", all.out}, {"dropped", all.dropped}, {"held", all.held}}}};
}

Json stage_facts(const StageRecord& stage) {
  const uint64_t calls = stage.counters.calls.value(), packets = stage.counters.packets.value();
  return {{"stage", stage.name},
          {"calls", calls},
          {"packets", packets},
          {"packets_per_call", per(packets, calls)},
          {"cycles_per_packet", per(stage.counters.cycles.value(), stage.counters.timed_packets.value())},
          {"dropped", stage.counters.drops.total()}};
}

Result<Json> show_run(Assembly& node) {
  Json paths = Json::array();
  node.geni().for_each_path([&](Opening which, Path& path) {
    Json facts = path_facts(node, which, path);
    facts["fused_packets"] = path.fused_packets();
    facts["cycles"] = path.account().cycles();
    facts["cycles_per_packet"] = per(path.account().cycles(), path.ledger().in_packets);
    Json stages = Json::array();
    for (const auto& stage : path.stages()) stages.push_back(stage_facts(*stage));
    facts["stages"] = std::move(stages);
    paths.push_back(std::move(facts));
  });
  const Worker& worker = node.worker();
  return Json{{"paths", std::move(paths)},
              {"worker",
               {{"policy", worker.policy().name()},
                {"rounds", worker.rounds()},
                {"idle_rounds", worker.idle_rounds()},
                {"sleeps", worker.sleeps()}}}};
}

Json partner_facts(const NodePartner& p) {
  Json facts{{"partner", p.name}};
  if (const auto what = info(*p.partner, p.opening)) {
    facts.update({{"driver", what->driver},
                  {"device", what->device},
                  {"mode", what->mode},
                  {"why", what->reason},
                  {"link", what->link == Link::kEthernet ? "ethernet" : "raw"},
                  {"mac", text_of(what->mac)},
                  {"mtu", what->mtu},
                  {"up", what->up},
                  {"offload", what->offload}});
  }
  if (const auto counters = stats(*p.partner, p.opening)) {
    const PartnerStats& s = **counters;
    facts.update({{"rx_packets", s.rx_packets.value()},
                  {"rx_bytes", s.rx_bytes.value()},
                  {"tx_packets", s.tx_packets.value()},
                  {"tx_bytes", s.tx_bytes.value()},
                  {"refused", s.refused.value()},
                  {"dropped", s.drops.total()},
                  {"drops", drops_of(s.drops)}});
  }
  Json addresses = Json::array();
  for (const AddressConfig& address : p.addresses) addresses.push_back(to_text(address.prefix));
  facts["address"] = std::move(addresses);
  facts["joined_to"] = p.joined_to.empty() ? Json() : Json(p.joined_to);
  return facts;
}

Result<Json> show_partner(Assembly& node) {
  Json partners = Json::array();
  // control() wants the worker between rounds.
  node.worker().call([&] {
    for (const NodePartner& p : node.partners()) partners.push_back(partner_facts(p));
  });
  return Json{{"partners", std::move(partners)}};
}

// Appends one row for each reason that occurred.
void add_drops(Json& rows, const Json& place, const DropCounters& drops) {
  for (size_t i = 0; i < kDropReasons; ++i) {
    if (drops[DropReason(i)] != 0) rows.push_back(drop_row(place, DropReason(i), drops[DropReason(i)]));
  }
}

Result<Json> show_drops(Assembly& node) {
  Json rows = Json::array();
  node.geni().for_each_path([&](Opening, Path& path) {
    add_drops(rows, {{"at", path.text()}, {"stage", "queues"}}, path.ledger().drops);
    for (const auto& stage : path.stages()) {
      add_drops(rows, {{"at", path.text()}, {"stage", stage->name}}, stage->counters.drops);
    }
  });
  add_drops(rows, {{"at", "node"}, {"stage", "demux"}}, node.demux().drops());
  add_drops(rows, {{"at", "node"}, {"stage", "host"}}, node.host().drops());
  add_drops(rows, {{"at", "node"}, {"stage", "worker"}}, node.worker().drops());
  node.worker().call([&] {
    for (const NodePartner& p : node.partners()) {
      if (const auto counters = stats(*p.partner, p.opening)) {
        add_drops(rows, {{"at", p.name}, {"stage", "driver"}}, (*counters)->drops);
      }
    }
  });
  add_pan_drops(rows, node);
  return Json{{"drops", std::move(rows)}};
}

Result<Json> show_pools(Assembly& node) {
  const Pool& pool = node.pool();
  Json packets{{"pool", "packets"},
               {"capacity", pool.capacity()},
               {"in_use", pool.in_use()},
               {"exhausted", pool.exhausted()},
               {"bytes_copied", pool.bytes_copied()},
               {"pages", name(pool.pages())},
               {"why", pool.pages_reason()}};
  return Json{{"pools", Json::array({std::move(packets)})}};
}

struct Shown {
  const char* what;
  Result<Json> (*answer)(Assembly&);
};
constexpr Shown kShown[] = {
    {"run", show_run},
    {"paths", show_paths},
    {"partner", show_partner},
    {"drops", show_drops},
    {"pools", show_pools},
    {"routes", show_routes},
    {"neighbours", show_neighbours},
    {"pan", show_pan},
    {"domains", show_domains},
    {"channels", show_channels},
    {"snow", show_snow},
};

}  // namespace

Result<Json> show(Assembly& node, const std::string& what) {
  std::vector<std::string> known;
  for (const Shown& shown : kShown) {
    if (shown.what == what) return shown.answer(node);
    known.emplace_back(shown.what);
  }
  return Error{Code::kNotFound, "nothing to show by the name '" + what + "'" + did_you_mean(what, known)};
}

}  // namespace weft
