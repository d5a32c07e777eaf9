// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/ee.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>

#include "tools/weft/show.h"

namespace weft::cli {

namespace {

using admin::Json;

constexpr EeAction kActions[] = {
    {"list", "Each EE: its state, where it runs, what it lacks", false},
    {"start", "Start an EE", true},
    {"stop", "Stop an EE; it is not started again", true},
    {"restart", "Stop an EE and start it again", true},
};

// Longer than weftd gives an EE to end.
constexpr int kMostPolls = 100, kPollMs = 100;

bool unsettled(const Json& answer) {
  const Json rows = answer.value("ees", Json::array());
  return std::ranges::any_of(rows, [](const Json& row) { return row.value("state", "") == "stopping"; });
}

Json named(const Json& answer, const std::string& name) {
  Json rows = Json::array();
  for (const Json& row : answer.value("ees", Json::array())) {
    if (row.value("ee", "") == name) rows.push_back(row);
  }
  return {{"ees", std::move(rows)}};
}

// What was asked for takes as long as the EE takes to end.
Result<Json> settled(admin::Client& client, const EeOptions& options) {
  auto answer = client.ask({{"do", "ee"}, {"action", options.action}, {"name", options.name}});
  if (!answer || options.action == "list") return answer;
  for (int i = 0; i < kMostPolls && unsettled(*answer); ++i) {
    ::poll(nullptr, 0, kPollMs);
    auto listed = client.ask({{"do", "ee"}, {"action", "list"}});
    if (!listed) return listed;
    answer = named(*listed, options.name);
  }
  return answer;
}

std::string text_of(const Json& answer, bool bold) {
  const Json rows = answer.value("ees", Json::array());
  std::string text = rows_text(rows,
                               {{"ee", {"EE"}},
                                {"state", {"STATE"}},
                                {"for_seconds", {"FOR S", true}},
                                {"place", {"RUNS IN"}},
                                {"domain", {"DOMAIN", true}},
                                {"restart", {"RESTART"}},
                                {"starts", {"STARTS", true}},
                                {"last_end", {"LAST END"}}},
                               "no EE", bold);
  for (const Json& row : rows) {
    const Json lacks = row.value("lacks", Json::array());
    for (const Json& lack : lacks) text += row.value("ee", "") + " lacks " + lack.get<std::string>() + "\n";
  }
  return text;
}

}  // namespace

std::span<const EeAction> ee_actions() { return kActions; }

Result<void> manage_ee(admin::Client& client, const EeOptions& options) {
  const auto answer = settled(client, options);
  if (!answer) return answer.error();
  const std::string text = options.json ? answer->dump(2) + "\n" : text_of(*answer, wants_colour());
  std::fputs(text.c_str(), stdout);
  return {};
}

}  // namespace weft::cli
