// SPDX-License-Identifier: Apache-2.0
// PacketFilter: a libpcap expression ("udp port 7"), for packets with and without
// link header.
//
// Threads: compile() on the control thread; matches() on the worker.
// Time: matches() does not allocate.
#pragma once

#include <pcap/pcap.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "partner/packet.h"

namespace weft {

class PacketFilter {
 public:
  // An empty expression matches everything.
  // Errors: kInvalid, what libpcap says of it.
  static Result<std::unique_ptr<PacketFilter>> compile(const std::string& expression);
  ~PacketFilter();
  PacketFilter(const PacketFilter&) = delete;
  PacketFilter& operator=(const PacketFilter&) = delete;

  // Looks at the first Seg.
  bool matches(const Packet& p, bool link_header) const;

 private:
  PacketFilter() = default;

  // Without instructions: matches everything if there is no expression, nothing if
  // the expression has no meaning for that kind of packet.
  bpf_program ethernet_{}, raw_{};
  bool all_ = false;
};

}  // namespace weft
