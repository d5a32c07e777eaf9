// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show_pan.h"

#include "nodeos_api/drop_reason.h"

namespace weft {

namespace {

using admin::Json;

// To be delivered ends a capsule too, but it is not lost.
template <typename F>
void for_each_loss(const an_DomainStats& stats, F&& f) {
  for (int i = 0; i < AN_DROP_REASONS; ++i) {
    if (i != AN_DROP_CONSUMED && stats.dropped[i] != 0) f(to_drop_reason(an_DropReason(i)), stats.dropped[i]);
  }
}

Json capsules(const an_DomainStats& stats) {
  uint64_t lost = 0;
  for_each_loss(stats, [&](DropReason, uint64_t n) { lost += n; });
  return {{"in", stats.packets_received},
          {"made", stats.packets_made},
          {"out", stats.packets_sent},
          {"delivered", stats.dropped[AN_DROP_CONSUMED]},
          {"dropped", lost},
          {"held", stats.packets_held}};
}

Json neighbours(const pan::Node& node) {
  Json all = Json::array();
  for (const auto& n : node.neighbours()) {
    all.push_back({{"address", to_text(n.address)},
                   {"carrier", n.carrier},
                   {"packets", n.stats.packets_out},
                   {"bytes", n.stats.bytes_out},
                   {"dropped", n.stats.packets_dropped}});
  }
  return all;
}

Json code_objects(const pan::Node& node) {
  Json all = Json::array();
  for (const auto& code : node.code()) {
    all.push_back({{"code", code->symbolic_name()},
                   {"name", to_text(code->name())},
                   {"window", code->window()},
                   {"engine", name(code->is_compiled() ? pan::Engine::kJit : pan::Engine::kInterpreter)},
                   {"capsules", code->capsules()},
                   {"charged", code->charged()},
                   {"memory", code->memory()},
                   {"stopped", code->failures()},
                   {"last_stop", code->last_failure()}});
  }
  return all;
}

Json engine(const pan::Node& node) {
  return {{"engine", name(node.engine())}, {"reason", node.engine_reason()}};
}

}  // namespace

Json drop_row(const Json& place, DropReason reason, uint64_t packets) {
  Json row = place;
  row.update({{"reason", name(reason)}, {"packets", packets}, {"sentence", sentence(reason)}});
  return row;
}

Result<Json> show_pan(Assembly& node) {
  if (node.pan() == nullptr)
    return Error{Code::kUnsupported, "this node is not active: its config has no [pan]"};
  const pan::Node& pan = *node.pan();
  const an_DomainStats stats = pan.stats();
  Json drops = Json::array();
  add_pan_drops(drops, node);
  return Json{
      {"address", to_text(pan.address())}, {"capsules", capsules(stats)}, {"drops", std::move(drops)},
      {"neighbours", neighbours(pan)},     {"engine", engine(pan)},       {"code", code_objects(pan)}};
}

void add_pan_drops(Json& rows, Assembly& node) {
  if (node.pan() == nullptr) return;
  const Json place{{"at", "pan " + to_text(node.pan()->address())}, {"stage", "capsules"}};
  for_each_loss(node.pan()->stats(),
                [&](DropReason reason, uint64_t n) { rows.push_back(drop_row(place, reason, n)); });
}

}  // namespace weft
