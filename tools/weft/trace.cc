// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/trace.h"

#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <vector>

#include "tools/weft/decode.h"
#include "tools/weft/stream.h"

namespace weft::cli {

namespace {

using admin::Json;

std::string clock_time(uint64_t ns) {
  const auto seconds = std::time_t(ns / 1'000'000'000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}.{:06}", local, ns % 1'000'000'000 / 1000);
}

// Records come as the packets do, vector by vector; people read packet by packet.
class Printer {
 public:
  explicit Printer(const Json& start) {
    for (const Json& stage : start.value("stages", Json::array()))
      stages_.push_back(stage.get<std::string>());
  }

  void add(const Json& record) {
    const auto packet = record.value("packet", uint64_t{0});
    auto& records = open_[packet];
    records.push_back(record);
    if (is_last(record)) {
      print(packet, records);
      open_.erase(packet);
    }
  }
  void finish() {
    for (const auto& [packet, records] : open_) print(packet, records);
    open_.clear();
  }

 private:
  size_t last_gate() const { return stages_.size(); }

  bool is_last(const Json& record) const {
    if (record.contains("drop")) return true;
    const bool forward = record.value("dir", "") == "forward";
    return record.value("gate", size_t{0}) == (forward ? last_gate() : 0);
  }

  std::string gate_name(size_t gate) const {
    if (gate == 0) return "near";
    if (gate >= last_gate()) return "far";
    return stages_[gate - 1] + "|" + stages_[gate];
  }

  std::string line(const Json& record) const {
    if (record.contains("drop")) {
      return fmt::format("  x  {:<10} dropped: {} ({})", record.value("stage", ""),
                         record.value("sentence", ""), record.value("drop", ""));
    }
    return fmt::format("  {} {:<10} {}", record.value("dir", "") == "forward" ? "->" : "<-",
                       gate_name(record.value("gate", size_t{0})), what(record));
  }
  static std::string what(const Json& record) {
    if (record.value("payload", false)) return fmt::format("{} bytes", record.value("length", 0));
    const auto bytes = admin::from_base64(record.value("data", ""));
    return bytes ? decode(*bytes, record.value("link_header", false)) : "?";
  }

  void print(uint64_t packet, const std::vector<Json>& records) const {
    const Json& first = records.front();
    fmt::print("packet {}  {}  {} bytes\n", packet, clock_time(first.value("time", uint64_t{0})),
               first.value("length", 0));
    for (const Json& record : records) fmt::print("{}\n", line(record));
    std::fflush(stdout);
  }

  std::vector<std::string> stages_;
  std::map<uint64_t, std::vector<Json>> open_;
};

}  // namespace

Result<void> trace(admin::Client& client, const TraceOptions& options) {
  const Interrupt interrupt;
  auto start = client.ask(
      {{"do", "trace"}, {"path", options.path}, {"count", options.count}, {"filter", options.filter}});
  if (!start) return start.error();
  Printer printer(*start);
  auto end = read_stream(client, interrupt, [&](const Json& record) -> Result<void> {
    options.json ? print_json(record) : printer.add(record);
    return {};
  });
  if (!end) return end.error();
  if (options.json) {
    print_json(*end);
    return {};
  }
  printer.finish();
  const auto lost = end->value("lost", uint64_t{0});
  if (lost != 0) {
    fmt::print(stderr, "weft: {} records were lost: they came faster than they were read\n", lost);
  }
  return {};
}

}  // namespace weft::cli
