// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show_ee.h"

#include "tools/weftd/owners.h"

namespace weft {

namespace {

using admin::Json;

constexpr const char* kManager = "mee";

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
  return {{"ee", kManager},        {"state", "running"},
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

}  // namespace

Result<Json> manage_ee(Assembly& node, const Json& request) {
  const auto action = admin::text_of(request, "action");
  if (!action) return action.error();
  if (*action == "list") return list(node, "");
  const auto name = admin::text_of(request, "name");
  if (!name) return name.error();
  if (*name == kManager) {
    return Error{Code::kInvalid,
                 "'" + *name + "' is the management EE itself, which starts and ends with weftd"};
  }
  mee::Manager& manager = node.ees().manager();
  Result<void> done =
      Error{Code::kInvalid, "an EE cannot '" + *action + "'; there are list, start, stop, restart"};
  if (*action == "start") done = manager.start(*name);
  if (*action == "stop") done = manager.stop(*name);
  if (*action == "restart") done = manager.restart(*name);
  if (!done) return done.error();
  return list(node, *name);
}

}  // namespace weft
