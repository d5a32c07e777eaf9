// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/rehearsal.h"

#include <spdlog/sinks/null_sink.h>

#include <cstdio>
#include <filesystem>

#include "partner/pcap_reader.h"
#include "tools/weftd/assembly.h"
#include "tools/weftd/control_loop.h"

namespace weft {

namespace {

// A partner on paper: it has a link, and no packets.
class PaperPartner final : public Partner {
 public:
  PaperPartner(Link link, bool owns_address) {
    info_.driver = "paper";
    info_.link = link;
    info_.owns_address = owns_address;
  }

  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{openings_++}; }
  void close(Opening) override {}
  void push(Opening, Pvec&) override {}
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request& request) override {
    if (std::holds_alternative<InfoRequest>(request)) return Reply{info_};
    if (std::holds_alternative<StatsRequest>(request)) return Reply{&stats_};
    return Error{Code::kUnsupported, "a partner on paper knows no commands"};
  }

 private:
  PartnerInfo info_;
  PartnerStats stats_;
  uint32_t openings_ = 0;
};

// The link of a file counts; that of the config, when there is no such file yet.
Link link_of(const PcapConfig& c) {
  // To look into a pipe would take from it.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(c.read, ignored)) return c.link;
  FILE* file = std::fopen(c.read.c_str(), "rbe");
  if (file == nullptr) return c.link;
  const auto reader = PcapReader::open(file, c.read);
  return reader ? (*reader)->link() : c.link;
}

struct LinkOf {
  const WireConfig& wire;
  Link operator()(const AfPacketConfig&) const { return Link::kEthernet; }
  Link operator()(const TapConfig& c) const { return c.link; }
  Link operator()(const UdpConfig& c) const { return c.link; }
  Link operator()(const PcapConfig& c) const { return link_of(c); }
  Link operator()(const LoopConfig&) const { return wire.link; }
};

MadePartner on_paper(const DriverConfig& driver, const WireConfig& wire, NodeServices&) {
  const bool kernel = std::holds_alternative<AfPacketConfig>(driver);
  return MadePartner(std::make_unique<PaperPartner>(std::visit(LinkOf{wire}, driver), !kernel));
}

}  // namespace

std::vector<ConfigError> rehearse(const Config& config, const Parts& parts) {
  Config smaller = config;
  smaller.node.pool = {.packets = 256, .pages = PageKind::k4K};
  smaller.node.kernel_routes = false;
  smaller.node.files.reset();  // the machine's, and a node may be running there
  SystemClock clock;
  ControlLoop loop(clock);
  Logger log("rehearsal", std::make_shared<spdlog::sinks::null_sink_st>());
  return Assembly::rehearse(smaller, {.modules = parts.modules, .make_partner = on_paper}, loop, clock, log);
}

}  // namespace weft
