// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/ping.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tools/weft/stream.h"

namespace weft::cli {

namespace {

using admin::Json;

class Sum {
 public:
  void add(const Json& record) {
    ++heard_;
    if (record.value("status", "") == "answered")
      rtts_.push_back(double(record.value("rtt_ns", uint64_t{0})) / 1e6);
  }
  bool answered() const { return !rtts_.empty(); }
  std::string text() {
    std::string all = fmt::format("{} pings, {} answered", heard_, rtts_.size());
    if (rtts_.empty()) return all;
    std::ranges::sort(rtts_);
    return all + fmt::format("; round trip min {:.3f}, median {:.3f}, max {:.3f} ms", rtts_.front(),
                             rtts_[rtts_.size() / 2], rtts_.back());
  }

 private:
  uint64_t heard_ = 0;
  std::vector<double> rtts_;  // ms
};

std::string line(const std::string& node, const Json& record) {
  const auto sequence = record.value("sequence", 0);
  if (record.value("status", "") != "answered")
    return fmt::format("{}: seq {}: {}", node, sequence, record.value("status", ""));
  return fmt::format("{}: seq {}, {} bytes, {} nodes out, {} back, {:.3f} ms", node, sequence,
                     record.value("payload", 0), record.value("hops_out", 0), record.value("hops_back", 0),
                     double(record.value("rtt_ns", uint64_t{0})) / 1e6);
}

}  // namespace

Result<void> ping(admin::Client& client, const PingOptions& options) {
  const Interrupt interrupt;
  auto started = client.ask({{"do", "ping"},
                             {"node", options.node},
                             {"count", options.count},
                             {"interval_ms", uint64_t(options.interval * 1000)},
                             {"payload", options.payload}});
  if (!started) return started.error();
  Sum sum;
  auto end = read_stream(client, interrupt, [&](const Json& record) -> Result<void> {
    sum.add(record);
    if (options.json) {
      print_json(record);
    } else {
      fmt::print("{}\n", line(options.node, record));
      std::fflush(stdout);
    }
    return {};
  });
  if (!end) return end.error();
  if (options.json) {
    print_json(*end);
  } else {
    fmt::print("{}\n", sum.text());
  }
  if (sum.answered()) return {};
  return Error{Code::kTimedOut, "no ping was answered"};
}

}  // namespace weft::cli
