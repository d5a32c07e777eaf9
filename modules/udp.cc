// SPDX-License-Identifier: Apache-2.0
#include "modules/udp.h"

#include <algorithm>
#include <cstring>

#include "modules/attributes.h"
#include "modules/ip_attributes.h"
#include "modules/ip_header.h"
#include "modules/packet_edit.h"
#include "modules/pass.h"
#include "modules/udp_header.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"srcport", "dstport"};

// 0: not said.
struct UdpPorts {
  uint16_t ours = 0;
  uint16_t theirs = 0;
};

class UdpStage final : public Stage {
 public:
  UdpStage(IpNode& node, const Port& device, Dir up, const IpEnds& ends, UdpPorts ports)
      : node_(node), device_(device), up_(up), ends_(ends), ports_(ports) {}

  void deliver(Dir dir, Pvec& v) override {
    Pvec on;
    while (!v.empty()) {
      PacketPtr p = v.pop_front();
      if (dir == up_) {
        receive(std::move(p), on);
      } else {
        send(std::move(p), on);
      }
    }
    hand_on(dir, on);
  }

 private:
  // --- up

  void receive(PacketPtr p, Pvec& on) {
    if (!(p->flags & Packet::kHeaders)) return drop(std::move(p), DropReason::kBadLength);
    const auto in_front = uint32_t(p->data - p->network_header());
    if (p->length < udp::kHeader) {
      if (p->total_length() < udp::kHeader) return drop(std::move(p), DropReason::kTooShort);
      p->push(in_front);
      if (!gather_front(node_.pool, p, in_front + udp::kHeader))
        return drop(std::move(p), DropReason::kPoolExhausted);
      p->pop(in_front);
      p->flags |= Packet::kHeaders;
    }
    if (auto bad = udp::check(*p, 0)) return drop(std::move(p), *bad);
    const bool super = (p->flags & Packet::kOffload) && p->offload().segment_size != 0;
    const uint16_t segment = super ? p->offload().segment_size : uint16_t{0};
    p->flags &= uint16_t(~Packet::kOffload);
    p->pop(udp::kHeader);
    if (super) return cut(std::move(p), segment, on);
    append(up_, std::move(p), on);
  }

  // A super-packet is many datagrams of one flow.
  void cut(PacketPtr p, uint32_t segment, Pvec& on) {
    const uint32_t total = p->total_length();
    uint32_t made = 0;
    for (uint32_t at = 0; at < total; at += segment) {
      PacketPtr datagram = node_.pool.overlay(*p, at, std::min(segment, total - at));
      if (!datagram) break;
      datagram->in_port = p->in_port;
      datagram->timestamp = p->timestamp;
      if (datagram->window() == p->window()) {
        datagram->l3 = p->l3;
        datagram->l4 = p->l4;
        datagram->flags |= Packet::kHeaders;
      }
      ++made;
      append(up_, std::move(datagram), on);
    }
    path().count_made(made);
    const bool whole = uint64_t{made} * segment >= total;
    drop(std::move(p), whole ? DropReason::kConsumed : DropReason::kPoolExhausted);
  }

  // --- down

  void send(PacketPtr p, Pvec& on) {
    if (p->flags & Packet::kOrigin) return on.push_back(std::move(p));
    const IpAddresses addresses = find_ip_addresses(node_, device_, ends_, *p);
    UdpPorts ports = ports_;
    UdpEnd sender, receiver;
    if (read_udp_ends(*p, sender, receiver) && sender.family == ends_.family) {
      if (ports.ours == 0) ports.ours = receiver.port;
      if (ports.theirs == 0) ports.theirs = sender.port;
    }
    if (!addresses.known() || ports.theirs == 0) return drop(std::move(p), DropReason::kNoRoute);
    const ip::Layout& ip = ip::layout(ends_.family);
    const uint32_t length = p->total_length() + udp::kHeader;
    if (length > ip.most) return drop(std::move(p), DropReason::kTooBig);
    // Room for an IP header too, which tells ip the addresses.
    p->flags &= uint16_t(~Packet::kOffload);
    if (!prepend(node_.pool, p, udp::kHeader + ip.header)) {
      return drop(std::move(p), DropReason::kPoolExhausted);
    }
    uint8_t* front = p->data;
    front[0] = ip.first_octet;
    ip::write_addresses(front, ip, addresses.destination, addresses.source);
    p->l3 = uint16_t(front - p->window());
    p->l4 = uint16_t(p->l3 + ip.header);
    p->flags |= Packet::kHeaders;
    p->pop(ip.header);

    uint8_t* h = p->data;
    store_be16(h + udp::kSourcePort, ports.ours);
    store_be16(h + udp::kDestinationPort, ports.theirs);
    store_be16(h + udp::kLength, uint16_t(length));
    store(h + udp::kChecksum, uint16_t{0});
    // The order of the addresses does not matter to a sum.
    const uint64_t pseudo = pseudo_header_sum(front + ip.source, ip.address, ip4::kUdp, length);
    // In IPv6 every datagram has one (RFC 8200 section 8.1).
    store(h + udp::kChecksum, checksum_but_zero(add_chain_checksum(pseudo, *p, 0)));
    on.push_back(std::move(p));
  }

  IpNode& node_;
  const Port& device_;
  Dir up_;
  IpEnds ends_;
  UdpPorts ports_;
};

}  // namespace

std::span<const std::string_view> UdpModule::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> UdpModule::create(const StageContext& context) {
  if (context.below() != "ip" && context.below() != "ip6") {
    return context.chain_error("udp stands on ip or ip6, not on '" + std::string(context.below()) + "'");
  }
  auto srcport = number_attribute(context, "srcport", 1, 65535);
  if (!srcport) return srcport.error();
  auto dstport = number_attribute(context, "dstport", 1, 65535);
  if (!dstport) return dstport.error();
  if (context.spec.cut()) {
    if (context.near_side()) return std::unique_ptr<Stage>(std::make_unique<PassStage>());
    if (context.spec.near.chain.size() > 1 && context.spec.near.chain.back().name != "eth") {
      return context.chain_error(
          "udp on a far side puts frames into datagrams: the near side must be the bare partner");
    }
  }
  auto ends = read_ip_ends(context);
  if (!ends) return ends.error();
  const auto source = uint16_t(srcport->value_or(0)), destination = uint16_t(dstport->value_or(0));
  const UdpPorts ports = context.near_side() ? UdpPorts{.ours = destination, .theirs = source}
                                             : UdpPorts{.ours = source, .theirs = destination};
  if (!context.near_side() && (ends->theirs == Address{} || ports.theirs == 0)) {
    return context.chain_error("where to? a far side needs (dst=ADDRESS, dstport=NUMBER)");
  }
  return std::unique_ptr<Stage>(
      std::make_unique<UdpStage>(node_, context.device, context.up(), *ends, ports));
}

Result<void> UdpModule::refine(const StageContext& context, DemuxKey& key) {
  auto srcport = number_attribute(context, "srcport", 1, 65535);
  if (!srcport) return srcport.error();
  auto dstport = number_attribute(context, "dstport", 1, 65535);
  if (!dstport) return dstport.error();
  const auto narrow = [&](auto& fields, auto& mask) {
    if (*srcport) {
      fields.source_port = swap_be(uint16_t(**srcport));
      mask.source_port = 0xffff;
    }
    if (*dstport) {
      fields.destination_port = swap_be(uint16_t(**dstport));
      mask.destination_port = 0xffff;
    }
  };
  key.leaves = PayloadMatch::kPayload;
  if (key.shape == DemuxKey::kWide) {
    narrow(key.wide, key.wide_mask);
  } else {
    narrow(key.narrow, key.narrow_mask);
  }
  return {};
}

namespace {

// The port that `to` says, if the path leaves it open.  `own`: what the path calls it.
Result<uint16_t> aimed_port(const StageContext& context, std::string_view own, const StageContext& to,
                            std::string_view name) {
  auto fixed = number_attribute(context, own, 1, 65535);
  if (!fixed) return fixed.error();
  auto said = number_attribute(to, name, 1, 65535);
  if (!said) return said.error();
  if (*fixed && *said && **fixed != **said) {
    return to.attribute_error(*to.side.find(name),
                              "the channel's own addresses say port " + std::to_string(**fixed));
  }
  return uint16_t(said->value_or(fixed->value_or(0)));
}

}  // namespace

// On a near side srcport is that of whom the path hears, and so speaks to.
Result<void> UdpModule::aim(const StageContext& context, const StageContext& to, Aim& aim) {
  auto destination = aimed_port(context, "srcport", to, "dstport");
  if (!destination) return destination.error();
  auto source = aimed_port(context, "dstport", to, "srcport");
  if (!source) return source.error();
  if (*destination == 0) return to.address_error("to which port? (dstport=NUMBER) is wanted");
  uint8_t* const header = aim.headers + aim.length;
  store_be16(header + udp::kSourcePort, *destination);
  store_be16(header + udp::kDestinationPort, *source);
  aim.length = uint8_t(aim.length + udp::kHeader);
  return {};
}

bool read_udp_ends(const Packet& p, UdpEnd& sender, UdpEnd& receiver) {
  const uint8_t* l3 = p.window() + p.l3;
  const uint8_t* l4 = p.window() + p.l4;
  if (!(p.flags & Packet::kHeaders) || l3 >= l4 || l4 + udp::kHeader > p.data) return false;
  const ip::Layout& ip = ip::layout(l3[0] >> 4);
  if (l3[0] >> 4 != ip.family || l3 + ip.header > l4) return false;
  sender = {ip.family, ip::source(l3, ip), load_be16(l4 + udp::kSourcePort)};
  receiver = {ip.family, ip::destination(l3, ip), load_be16(l4 + udp::kDestinationPort)};
  return true;
}

bool write_udp_ends(Packet& p, const UdpEnd& sender, const UdpEnd& receiver) {
  const ip::Layout& ip = ip::layout(sender.family);
  const uint32_t both = ip.header + udp::kHeader;
  if (p.headroom() < both) return false;
  uint8_t* l4 = p.data - udp::kHeader;
  uint8_t* l3 = l4 - ip.header;
  std::memset(l3, 0, both);
  l3[0] = ip.first_octet;
  ip::write_addresses(l3, ip, sender.address, receiver.address);
  store_be16(l4 + udp::kSourcePort, sender.port);
  store_be16(l4 + udp::kDestinationPort, receiver.port);
  p.l3 = uint16_t(l3 - p.window());
  p.l4 = uint16_t(l4 - p.window());
  p.flags |= Packet::kHeaders;
  return true;
}

}  // namespace weft
