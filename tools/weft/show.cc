// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/show.h"

#include <spdlog/fmt/fmt.h>

#include "tools/weft/table.h"

namespace weft::cli {

using admin::Json;

namespace {

std::string cell(const Json& row, const char* key) {
  const auto value = row.find(key);
  if (value == row.end() || value->is_null()) return "-";
  if (value->is_string()) return value->get<std::string>().empty() ? "-" : value->get<std::string>();
  if (value->is_number_float()) return fmt::format("{:.1f}", value->get<double>());
  if (value->is_boolean()) return value->get<bool>() ? "yes" : "no";
  if (!value->is_array()) return value->dump();
  std::string list;
  for (const Json& element : *value) {
    list += (list.empty() ? "" : " ") + (element.is_string() ? element.get<std::string>() : element.dump());
  }
  return list.empty() ? "-" : list;
}

}  // namespace

std::string rows_text(const Json& rows, const std::vector<Field>& fields, const char* none, bool bold) {
  if (!rows.is_array() || rows.empty()) return std::string(none) + "\n";
  std::vector<Column> columns;
  for (const Field& f : fields) columns.push_back(f.column);
  Table table(columns);
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    for (const Field& f : fields) cells.push_back(cell(row, f.key));
    table.add(cells);
  }
  return table.text(bold);
}

namespace {

// One row for each path, and below it one for each stage.
std::string run_text(const Json& data, bool bold) {
  Json rows = Json::array();
  for (Json path : data.value("paths", Json::array())) {
    const bool fused = path.contains("transform") && path["transform"].is_string();
    path["stage"] = fused ? "fused: " + cell(path, "transform") : "all stages";
    path["packets"] = path["in"];
    const Json stages = path.value("stages", Json::array());
    rows.push_back(std::move(path));
    for (Json stage : stages) {
      stage["path"] = " ";
      stage["stage"] = "  " + cell(stage, "stage");
      rows.push_back(std::move(stage));
    }
  }
  return rows_text(rows,
                   {{"path", {"PATH"}},
                    {"stage", {"STAGE"}},
                    {"calls", {"CALLS", true}},
                    {"packets", {"PACKETS", true}},
                    {"packets_per_call", {"PACKETS/CALL", true}},
                    {"cycles_per_packet", {"CYCLES/PACKET", true}},
                    {"dropped", {"DROPPED", true}}},
                   "no path is open", bold);
}

std::string paths_text(const Json& data, bool bold) {
  return rows_text(data.value("paths", Json::array()),
                   {{"path", {"PATH"}},
                    {"in", {"IN", true}},
                    {"made", {"MADE", true}},
                    {"out", {"OUT", true}},
                    {"dropped", {"DROPPED", true}},
                    {"held", {"HELD", true}},
                    {"in_bytes", {"BYTES IN", true}},
                    {"out_bytes", {"BYTES OUT", true}},
                    {"transform", {"FUSED"}},
                    {"tapped", {"TAPPED"}}},
                   "no path is open", bold);
}

// Each partner as one row of numbers and, below the table, how it works and why.
std::string partner_text(const Json& data, bool bold) {
  const Json rows = data.value("partners", Json::array());
  std::string text = rows_text(rows,
                               {{"partner", {"PARTNER"}},
                                {"driver", {"DRIVER"}},
                                {"device", {"DEVICE"}},
                                {"link", {"LINK"}},
                                {"mtu", {"MTU", true}},
                                {"up", {"UP"}},
                                {"rx_packets", {"RX PACKETS", true}},
                                {"rx_bytes", {"RX BYTES", true}},
                                {"tx_packets", {"TX PACKETS", true}},
                                {"tx_bytes", {"TX BYTES", true}},
                                {"dropped", {"DROPPED", true}},
                                {"address", {"ADDRESS"}}},
                               "no partner", bold);
  for (const Json& row : rows) {
    text += "\n" + cell(row, "partner") + ": " + cell(row, "mode") + "\n";
    if (cell(row, "why") != "-") text += "  because: " + cell(row, "why") + "\n";
    if (cell(row, "joined_to") != "-")
      text += "  joined to " + cell(row, "joined_to") + ", with no path between\n";
  }
  return text;
}

std::string drops_text(const Json& data, bool bold) {
  return rows_text(data.value("drops", Json::array()),
                   {{"at", {"AT"}},
                    {"stage", {"STAGE"}},
                    {"reason", {"REASON"}},
                    {"packets", {"PACKETS", true}},
                    {"sentence", {"THAT IS"}}},
                   "no packet was dropped", bold);
}

std::string pools_text(const Json& data, bool bold) {
  return rows_text(data.value("pools", Json::array()),
                   {{"pool", {"POOL"}},
                    {"capacity", {"CAPACITY", true}},
                    {"in_use", {"IN USE", true}},
                    {"exhausted", {"EXHAUSTED", true}},
                    {"bytes_copied", {"BYTES COPIED", true}},
                    {"pages", {"PAGES"}},
                    {"why", {"BECAUSE"}}},
                   "no pool", bold);
}

std::string routes_text(const Json& data, bool bold) {
  std::string text = rows_text(
      data.value("routes", Json::array()),
      {{"to", {"TO"}}, {"kind", {"KIND"}}, {"via", {"VIA"}}, {"port", {"PORT"}}, {"from", {"FROM"}}},
      "no route", bold);
  if (data.value("more", false)) {
    const Json count = data.value("count", Json::object());
    text += "... of " + cell(count, "ipv4") + " IPv4 and " + cell(count, "ipv6") + " IPv6 routes\n";
  }
  return text;
}

std::string neighbours_text(const Json& data, bool bold) {
  return rows_text(data.value("neighbours", Json::array()),
                   {{"address", {"ADDRESS"}}, {"port", {"PORT"}}, {"mac", {"MAC"}}, {"state", {"STATE"}}},
                   "no neighbour is known", bold);
}

// The node in one line, then what became of its capsules, and whom and what it knows.
std::string pan_text(const Json& data, bool bold) {
  Json capsules = Json::array({data.value("capsules", Json::object())});
  const Json engine = data.value("engine", Json::object());
  const std::string reason = engine.value("reason", "");
  return "active node " + cell(data, "address") + ", code runs by the " + cell(engine, "engine") +
         (reason.empty() ? "" : " (" + reason + ")") + "\n\n" +
         rows_text(capsules,
                   {{"in", {"CAPSULES IN", true}},
                    {"made", {"MADE", true}},
                    {"out", {"OUT", true}},
                    {"delivered", {"DELIVERED", true}},
                    {"dropped", {"DROPPED", true}},
                    {"held", {"HELD", true}}},
                   "", bold) +
         "\n" +
         rows_text(
             data.value("drops", Json::array()),
             {{"reason", {"DROPPED BECAUSE"}}, {"packets", {"CAPSULES", true}}, {"sentence", {"THAT IS"}}},
             "no capsule was dropped", bold) +
         "\n" +
         rows_text(data.value("neighbours", Json::array()),
                   {{"address", {"NEIGHBOUR"}},
                    {"carrier", {"CARRIER"}},
                    {"packets", {"CAPSULES", true}},
                    {"bytes", {"BYTES", true}},
                    {"dropped", {"DROPPED", true}}},
                   "no neighbour", bold) +
         "\n" +
         rows_text(data.value("code", Json::array()),
                   {{"code", {"CODE"}},
                    {"name", {"NAME"}},
                    {"engine", {"ENGINE"}},
                    {"window", {"WINDOW", true}},
                    {"capsules", {"CAPSULES", true}},
                    {"charged", {"CHARGED", true}},
                    {"memory", {"MEMORY", true}},
                    {"stopped", {"STOPPED", true}},
                    {"last_stop", {"BECAUSE"}}},
                   "no code object", bold);
}

std::string domains_text(const Json& data, bool bold) {
  return rows_text(data.value("domains", Json::array()),
                   {{"domain", {"DOMAIN", true}},
                    {"ee", {"EE"}},
                    {"parent", {"PARENT", true}},
                    {"channels", {"CHANNELS", true}},
                    {"events", {"EVENTS", true}},
                    {"received", {"RECEIVED", true}},
                    {"made", {"MADE", true}},
                    {"sent", {"SENT", true}},
                    {"dropped", {"DROPPED", true}},
                    {"held", {"HELD", true}},
                    {"cycles", {"CYCLES", true}}},
                   "no domain", bold);
}

std::string channels_text(const Json& data, bool bold) {
  return rows_text(data.value("channels", Json::array()),
                   {{"domain", {"DOMAIN", true}},
                    {"ee", {"EE"}},
                    {"kind", {"KIND"}},
                    {"path", {"PATH"}},
                    {"in", {"IN", true}},
                    {"made", {"MADE", true}},
                    {"out", {"OUT", true}},
                    {"dropped", {"DROPPED", true}},
                    {"held", {"HELD", true}}},
                   "no channel is open", bold);
}

// A row for each session and, below the table, why packets of it were dropped.
std::string snow_text(const Json& data, bool bold) {
  const Json rows = data.value("snow", Json::array());
  std::string text = rows_text(rows,
                               {{"ee", {"EE"}},
                                {"place", {"PLACE"}},
                                {"user", {"USER", true}},
                                {"principal", {"PRINCIPAL"}},
                                {"objects", {"OBJECTS", true}},
                                {"objects_limit", {"AT MOST", true}},
                                {"queued", {"QUEUED", true}},
                                {"in", {"FROM EE", true}},
                                {"out", {"TO EE", true}},
                                {"refused", {"REFUSED", true}},
                                {"dropped", {"DROPPED", true}},
                                {"faults", {"FAULTS", true}}},
                               "no EE has a process of its own", bold);
  for (const Json& row : rows) {
    const Json drops = row.value("drops", Json::object());
    for (const auto& [reason, packets] : drops.items()) {
      const std::string who = cell(row, cell(row, "ee") != "-" ? "ee" : "place");
      text += who + ": " + packets.dump() + " dropped, " + reason + "\n";
    }
  }
  return text;
}

constexpr View kViews[] = {
    {"run", "Each path and stage: calls, packets, cycles", run_text},
    {"paths", "Each path: packets in, out, dropped and held", paths_text},
    {"partner", "Each partner: device, mode and why, packets", partner_text},
    {"drops", "Why packets were dropped, and where", drops_text},
    {"pools", "The memory that packets live in", pools_text},
    {"routes", "Where packets are sent", routes_text},
    {"neighbours", "The link addresses that are known", neighbours_text},
    {"pan", "The active node: capsules, neighbours, code", pan_text},
    {"domains", "Each domain: whose it is, and its packets", domains_text},
    {"channels", "Each channel of an EE, and its packets", channels_text},
    {"snow", "Each EE in a process of its own: what crosses, and what is wrong of it", snow_text},
};

}  // namespace

std::span<const View> views() { return kViews; }

}  // namespace weft::cli
