// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/watch.h"

#include <algorithm>
#include <charconv>

#include "tools/weftd/packet_tap.h"

namespace weft {

namespace {

using admin::Json;

constexpr uint32_t kMaxTraced = 10'000;
constexpr uint32_t kTraceBytes = 128;     // of each record: all headers that are decoded
constexpr uint64_t kQuiet = 200'000'000;  // ns after which a full trace is over
constexpr size_t kTraceRing = 1 << 20, kCaptureRing = 16 << 20;

Json json_of(const Json& stages, const TapRecord& record, const std::string& bytes) {
  Json line{{"packet", record.packet}, {"time", record.time_ns}, {"length", record.length}};
  if (record.kind == TapRecord::kSeen) {
    line["gate"] = record.place;
    line["dir"] = record.dir == Dir::kForward ? "forward" : "backward";
    line["link_header"] = record.link_header;
    line["payload"] = record.payload;
    line["data"] = admin::to_base64(bytes);
  } else {
    line["stage"] = stages[record.place];
    line["drop"] = name(record.reason);
    line["sentence"] = sentence(record.reason);
  }
  return line;
}

// Of paths with one text, which have the same stages: the channels of an EE that receives and
// answers are two of them.
class Watch final : public AdminStream {
 public:
  Watch(Assembly& node, std::vector<Opening> paths, Json stages, std::unique_ptr<PacketTap> tap)
      : node_(node),
        paths_(std::move(paths)),
        stages_(std::move(stages)),
        tap_(std::move(tap)),
        last_ns_(node.clock().now_ns()) {
    for (Opening path : paths_) node_.geni().set_tap(path, tap_.get());
  }
  ~Watch() override {
    for (Opening path : paths_) node_.geni().set_tap(path, nullptr);
  }

  bool pump(AdminSession& session) override {
    const uint64_t now = node_.clock().now_ns();
    TapRecord record;
    std::string bytes;
    while (is_open() && !session.congested() && tap_->ring().take(record, bytes)) {
      last_ns_ = now;
      session.send(json_of(stages_, record, bytes));
    }
    // A client that is behind is waited for: what it has no room for waits in the ring, and
    // is lost there when that is full too.
    if (is_open() && session.congested()) return true;
    if (is_open() && !(tap_->limit_reached() && now - last_ns_ > kQuiet)) return true;
    session.send(admin::end_of_stream({{"packets", tap_->chosen()}, {"lost", tap_->ring().lost()}}));
    return false;
  }

 private:
  bool is_open() const {
    return std::any_of(paths_.begin(), paths_.end(),
                       [this](Opening path) { return node_.geni().path(path) != nullptr; });
  }

  Assembly& node_;
  const std::vector<Opening> paths_;
  const Json stages_;
  const std::unique_ptr<PacketTap> tap_;
  uint64_t last_ns_;  // when a record came last
};

// One or more.
Result<std::vector<Opening>> find_paths(const Assembly& node, const std::string& text) {
  auto found = node.geni().find_paths(text);
  if (!found.empty()) return found;
  std::vector<std::string> known;
  node.geni().for_each_path([&](Opening, const Path& path) { known.push_back(path.text()); });
  return Error{Code::kNotFound,
               "no path '" + text + "'" + did_you_mean(text, known) + "; weft show paths lists them"};
}

// "near", "far", the number of a stage from 0, or its name.
Result<GateChoice> find_gate(const Path& path, const std::string& stage) {
  if (stage == "near") return GateChoice{GateChoice::kGate, 0};
  if (stage == "far") return GateChoice{GateChoice::kGate, path.stages().size()};
  std::vector<std::string> known = {"near", "far"};
  size_t number = 0;
  const auto [end, error] = std::from_chars(stage.data(), stage.data() + stage.size(), number);
  if (error == std::errc{} && end == stage.data() + stage.size() && number < path.stages().size()) {
    return GateChoice{GateChoice::kStage, number};
  }
  for (size_t i = 0; i < path.stages().size(); ++i) {
    if (path.stages()[i]->name == stage) return GateChoice{GateChoice::kStage, i};
    known.push_back(path.stages()[i]->name);
  }
  std::string all;
  for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
  return Error{Code::kNotFound, "no stage '" + stage + "' in '" + path.text() + "'" +
                                    did_you_mean(stage, known) + "; it has " + all};
}

PacketTap::Ends ends_of(const Geni& geni, const Path& path) {
  const auto link = [&](const PathSide& side) { return geni.find_port(side.chain[0].name)->info.link; };
  PacketTap::Ends ends{link(path.spec().near), std::nullopt};
  if (path.spec().cut()) ends.far = link(path.spec().far);
  return ends;
}

// The parts of a request that both kinds have.
struct Wanted {
  std::vector<Opening> paths;
  uint64_t count;
  std::unique_ptr<PacketFilter> filter;
};

Result<Wanted> read_request(const Assembly& node, const Json& request, uint64_t count, uint64_t highest) {
  const auto text = admin::text_of(request, "path");
  if (!text) return text.error();
  auto paths = find_paths(node, *text);
  if (!paths) return paths.error();
  const auto limit = admin::number_of(request, "count", count, highest);
  if (!limit) return limit.error();
  const auto expression =
      request.contains("filter") ? admin::text_of(request, "filter") : Result<std::string>("");
  if (!expression) return expression.error();
  auto filter = PacketFilter::compile(*expression);
  if (!filter) return filter.error();
  for (Opening path : *paths) {
    if (!node.geni().path(path)->tapped()) continue;
    return Error{Code::kBusy, "'" + *text + "' is being traced or captured already"};
  }
  return Wanted{std::move(*paths), *limit, std::move(*filter)};
}

void start(AdminSession& session, Assembly& node, Wanted wanted, const TapOptions& options) {
  const Path& path = *node.geni().path(wanted.paths.front());
  auto tap = std::make_unique<PacketTap>(options, ends_of(node.geni(), path), path.stages().size(),
                                         node.pool(), std::move(wanted.filter));
  Json stages = Json::array();
  for (const auto& stage : path.stages()) stages.push_back(stage->name);
  session.send(admin::ok({{"path", path.text()}, {"stages", stages}, {"cut", path.spec().cut()}}));
  session.start(std::make_unique<Watch>(node, std::move(wanted.paths), std::move(stages), std::move(tap)));
}

}  // namespace

void start_trace(AdminSession& session, Assembly& node, const Json& request) {
  auto wanted = read_request(node, request, 10, kMaxTraced);
  if (!wanted) return session.send(admin::failed(wanted.error().sentence));
  if (wanted->count == 0) return session.send(admin::failed("a trace needs a count of at least 1"));
  const TapOptions options{.snap = kTraceBytes, .limit = uint32_t(wanted->count), .ring_bytes = kTraceRing};
  start(session, node, std::move(*wanted), options);
}

void start_capture(AdminSession& session, Assembly& node, const Json& request) {
  auto wanted = read_request(node, request, 0, UINT32_MAX - 1);
  if (!wanted) return session.send(admin::failed(wanted.error().sentence));
  const auto stage = admin::text_of(request, "stage");
  if (!stage) return session.send(admin::failed(stage.error().sentence));
  const auto gates = find_gate(*node.geni().path(wanted->paths.front()), *stage);
  if (!gates) return session.send(admin::failed(gates.error().sentence));
  const auto snap = admin::number_of(request, "snap", 65535, 65535);
  if (!snap) return session.send(admin::failed(snap.error().sentence));
  const TapOptions options{
      .gates = *gates, .snap = uint32_t(*snap), .limit = uint32_t(wanted->count), .ring_bytes = kCaptureRing};
  start(session, node, std::move(*wanted), options);
}

}  // namespace weft
