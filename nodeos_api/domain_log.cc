// SPDX-License-Identifier: Apache-2.0
// What a domain says in the node's log.
#include "base/printable.h"
#include "nodeos_api/geni_node.h"

namespace weft {

namespace {

constexpr uint64_t kLogLinesPerSecond = 20;
constexpr uint64_t kSecond = 1'000'000'000;

spdlog::level::level_enum to_spdlog(an_LogLevel level) {
  switch (level) {
    case AN_LOG_DEBUG:
      return spdlog::level::debug;
    case AN_LOG_INFO:
      return spdlog::level::info;
    case AN_LOG_WARNING:
      return spdlog::level::warn;
    case AN_LOG_ERROR:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void Domain::log(an_LogLevel level, const char* text) {
  Logger& log = GeniNode::of(*this).log();
  const uint64_t second = node_.clock().now_ns() / kSecond;
  if (log_second_.exchange(second, std::memory_order_relaxed) != second) {
    log_lines_.store(0, std::memory_order_relaxed);
  }
  if (log_lines_.fetch_add(1, std::memory_order_relaxed) >= kLogLinesPerSecond) {
    log_lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const uint64_t lost = log_lost_.exchange(0, std::memory_order_relaxed);
  if (lost > 0) log.warn("domain {}: {} lines were too many, and are lost", index(), lost);
  log.log(to_spdlog(level), "domain {}: {}", index(), printable(text));
}

}  // namespace weft
