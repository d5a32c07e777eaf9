// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/packet_filter.h"

namespace weft {

namespace {

// What is wrong with the expression for packets of that link; empty if nothing is.
std::string compile_for(int link, const std::string& expression, bpf_program& program) {
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> handle(pcap_open_dead(link, 65535), &pcap_close);
  if (!handle) return "out of memory";
  if (pcap_compile(handle.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0) return {};
  program = {};
  return pcap_geterr(handle.get());
}

}  // namespace

Result<std::unique_ptr<PacketFilter>> PacketFilter::compile(const std::string& expression) {
  std::unique_ptr<PacketFilter> filter(new PacketFilter);
  filter->all_ = expression.find_first_not_of(" \t") == std::string::npos;
  if (filter->all_) return filter;
  const std::string wrong = compile_for(DLT_EN10MB, expression, filter->ethernet_);
  const std::string wrong_raw = compile_for(DLT_RAW, expression, filter->raw_);
  if (!wrong.empty() && !wrong_raw.empty()) {
    return Error{Code::kInvalid, "filter '" + expression + "': " + wrong};
  }
  return filter;
}

PacketFilter::~PacketFilter() {
  pcap_freecode(&ethernet_);
  pcap_freecode(&raw_);
}

bool PacketFilter::matches(const Packet& p, bool link_header) const {
  if (all_) return true;
  const bpf_program& program = link_header ? ethernet_ : raw_;
  if (program.bf_insns == nullptr) return false;
  pcap_pkthdr header{};
  header.caplen = p.length;
  header.len = p.total_length();
  return pcap_offline_filter(&program, &header, p.data) != 0;
}

}  // namespace weft
