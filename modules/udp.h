// SPDX-License-Identifier: Apache-2.0
// udp: UDP, over IPv4 and IPv6.  (RFC 768; RFC 1122 section 4.1; RFC 8200 section 8.1.)
//
//   eth0/ip/udp (dstport=7)                       datagrams to port 7
//   eth0/ip6/udp (dstport=7)                      those over IPv6
//   eth0/ip/udp (dstport=7) -> eth1               forwards them
//   eth0 -> eth1/ip/udp (dst=10.0.0.9, srcport=9, dstport=9)   puts frames into datagrams
//
// srcport and dstport follow the rule of src and dst in ip.h: on a near side they are
// those of packets that come in, and what is sent back has them exchanged.
//
// Going up, the header comes off and stays in front of `data`; l3 and l4 tell where.
// Going down, a datagram whose path does not say where it goes is addressed by the
// headers in front of it: a received one, given back, returns to its sender; a fresh
// one is addressed with write_udp_ends().
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "paths/module.h"

namespace weft {

class UdpModule final : public Module {
 public:
  // `node` outlives the module.
  explicit UdpModule(IpNode& node) : node_(node) {}

  std::string_view name() const override { return "udp"; }
  bool finishes_offload() const override { return true; }
  std::span<const std::string_view> attributes() const override;
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;
  Result<void> aim(const StageContext& context, const StageContext& to, Aim& aim) override;

 private:
  IpNode& node_;
};

// One end of a UDP flow.
struct UdpEnd {
  uint8_t family = 4;
  Address address{};
  uint16_t port = 0;
};

// Who sent a datagram that came up a path, and to whom.  False when its headers are no
// longer in front of it.
bool read_udp_ends(const Packet& p, UdpEnd& sender, UdpEnd& receiver);

// Puts headers in front of `data`, as if `p` had come from `sender` to `receiver`; sent
// down a path of its family it goes to `sender`.  receiver.address of zeros: the node
// chooses.  False when there is no room (28 bytes of headroom are needed, 48 for IPv6).
// REQUIRES: sender.family == receiver.family
bool write_udp_ends(Packet& p, const UdpEnd& sender, const UdpEnd& receiver);

}  // namespace weft
