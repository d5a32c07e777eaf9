// SPDX-License-Identifier: Apache-2.0
#include "modules/eth.h"

#include <algorithm>
#include <cstring>

#include "modules/ip4_header.h"
#include "modules/packet_edit.h"
#include "modules/plain_packet.h"

namespace weft {

namespace {

constexpr uint32_t kHeader = EthModule::kHeader;
constexpr uint16_t kIp6 = 0x86dd;

class EthStage final : public Stage, private NeighbourUser {
 public:
  EthStage(IpNode& node, Neighbours& neighbours, Host& host, const Port& device, Dir up, bool raw)
      : node_(node), neighbours_(neighbours), host_(host), device_(device), up_(up), raw_(raw) {}

  void deliver(Dir dir, Pvec& v) override {
    if (raw_) {
      v.filter(v.begin(), [this](PacketPtr p) { return check_length(std::move(p)); });
    } else if (dir == up_) {
      const ReceivePlain plain{own_address()};
      Packet* const* const rest = std::find_if_not(v.begin(), v.end(), plain);
      v.filter(rest, [&](PacketPtr p) { return plain(p.get()) ? std::move(p) : receive(std::move(p)); });
    } else {
      const SendPlain plain{node_.fib.next_hops.data(), device_.number};
      Packet* const* const rest = std::find_if_not(v.begin(), v.end(), plain);
      v.filter(rest, [&](PacketPtr p) { return plain(p.get()) ? std::move(p) : send(std::move(p)); });
    }
    hand_on(dir, v);
  }

  void close() override { neighbours_.forget(*this); }
  size_t held() const override { return held_; }

 private:
  PacketPtr lose(PacketPtr p, DropReason reason) {
    drop(std::move(p), reason);
    return nullptr;
  }

  // Of the device, as the first bytes of a frame are loaded, without the rest; 0: it has none of
  // its own.  It may change while packets flow.
  uint64_t own_address() const {
    uint64_t address = 0;
    std::memcpy(&address, device_.info.mac.data(), device_.info.mac.size());
    return address;
  }

  PacketPtr check_length(PacketPtr p) {
    return p->total_length() < kHeader ? lose(std::move(p), DropReason::kTooShort) : std::move(p);
  }

  // What most frames are: to this device alone, the header in one piece.  False: it is
  // unchanged.
  struct ReceivePlain {
    const uint64_t mac;

    bool operator()(Packet* p) const {
      const Front front(*p);
      if (front.length() < kHeader || !front.own<Packet::kOffload | Packet::kLinkGroup>()) return false;
      if ((load<uint64_t>(p->data) ^ mac) << 16 != 0) return false;
      p->pop(kHeader);
      return true;
    }
  };

  // From the device.
  [[gnu::noinline]] PacketPtr receive(PacketPtr p) {
    if (p->length < kHeader && !gather_front(node_.pool, p, kHeader)) {
      const bool short_frame = p->total_length() < kHeader;
      return lose(std::move(p), short_frame ? DropReason::kTooShort : DropReason::kPoolExhausted);
    }
    p->flags &= uint16_t(~Packet::kLinkGroup);
    if (p->data[0] & 1) {
      // The group bit: broadcast and multicast.
      p->flags |= Packet::kLinkGroup;
    } else if (const uint64_t own = own_address(); own != 0 && (load<uint64_t>(p->data) ^ own) << 16 != 0) {
      return lose(std::move(p), DropReason::kNotForUs);
    }
    strip_front(*p, kHeader);
    p->l3 = uint16_t(p->data - p->window());
    return p;
  }

  // What most packets are: in the slot's own memory, to a neighbour whose address is
  // known.  False: it is unchanged.
  struct SendPlain {
    const NextHop* const hops;
    const uint16_t device;

    bool operator()(Packet* p) const {
      const NextHop& hop = hops[p->next_hop];
      const Lead lead(hop);
      if (!lead.forwards(kHeader, device) || p->references != 1) return false;
      if (!Front(*p).own<Packet::kOffload | Packet::kLinkHeader>()) return false;
      if (size_t(p->data - p->room()) < Packet::kReserved + kHeader) return false;
      std::memcpy(p->push(kHeader), hop.header, kHeader);
      return true;
    }
  };

  // To the device.  Empty when the packet waits or was lost.
  [[gnu::noinline]] PacketPtr send(PacketPtr p) {
    if (p->flags & Packet::kLinkHeader) {
      p->flags &= uint16_t(~Packet::kLinkHeader);
      p->push(kHeader);
      return p;
    }
    const NextHop& hop = node_.fib.next_hops[p->next_hop];
    if (hop.kind == NextHop::kForward && hop.out_port == device_.number) {
      return with_header(std::move(p), hop.header, hop.link_length);
    }
    return send_unresolved(std::move(p), hop);
  }

  PacketPtr with_header(PacketPtr p, const uint8_t* header, uint32_t length) {
    if (!prepend(node_.pool, p, length)) return lose(std::move(p), DropReason::kPoolExhausted);
    std::memcpy(p->data, header, length);
    return p;
  }

  // The route says no more than which link: the destination itself names the group, or
  // its address has to be asked for.
  PacketPtr send_unresolved(PacketPtr p, const NextHop& hop) {
    uint8_t network[40];
    const uint32_t n = read_bytes(*p, 0, network, sizeof network);
    const uint8_t version = n > 0 ? network[0] >> 4 : 0;
    uint8_t header[kHeader];
    Address neighbour{};
    bool group = false;
    if (version == 4 && n >= ip4::kMinHeader) {
      group = group_mac4(ip4::destination(network), header);
      store_be16(header + 12, ip4::kLinkProtocol);
      std::memcpy(neighbour.data(), network + ip4::kDestination, 4);
    } else if (version == 6 && n == sizeof network) {
      // RFC 2464 section 7.
      group = network[24] == 0xff;
      header[0] = header[1] = 0x33;
      std::memcpy(header + 2, network + 36, 4);
      store_be16(header + 12, kIp6);
      std::memcpy(neighbour.data(), network + 24, 16);
    } else {
      return lose(std::move(p), DropReason::kBadVersion);
    }
    if (group) {
      std::memcpy(header + 6, device_.info.mac.data(), 6);
      return with_header(std::move(p), header, kHeader);
    }
    if (hop.has_gateway && hop.out_port == device_.number) neighbour = hop.gateway;
    ++held_;
    neighbours_.hold(*this, device_.number, version, neighbour, std::move(p));
    return nullptr;
  }

  // Writes the MAC address of an IPv4 group.  False if `a` is not one.
  bool group_mac4(uint32_t a, uint8_t* to) const {
    if (ip4::is_multicast(a)) {
      // RFC 1112 section 6.4: the low 23 bits.
      store_be16(to, 0x0100);
      store_be32(to + 2, 0x5e000000u | (a & 0x007fffffu));
      return true;
    }
    if (!ip4::is_limited_broadcast(a) && !node_.is_directed_broadcast(a)) return false;
    std::memset(to, 0xff, 6);
    return true;
  }

  void resolved(PacketPtr p) override {
    --held_;
    const NextHop& hop = node_.fib.next_hops[p->next_hop];
    if (hop.kind != NextHop::kForward || hop.out_port != device_.number) {
      return drop(std::move(p), DropReason::kNeighbourFailed);
    }
    p = with_header(std::move(p), hop.header, hop.link_length);
    if (p) hand_on(down(), std::move(p));
  }

  void failed(PacketPtr p, DropReason reason) override {
    --held_;
    if (reason == DropReason::kNeighbourFailed && !(p->flags & Packet::kOrigin)) {
      host_.next_hop_failed(path(), *p);
    }
    drop(std::move(p), reason);
  }

  Dir down() const { return up_ == Dir::kForward ? Dir::kBackward : Dir::kForward; }

  IpNode& node_;
  Neighbours& neighbours_;
  Host& host_;
  const Port& device_;
  Dir up_;
  bool raw_;  // whole frames pass
  size_t held_ = 0;
};

}  // namespace

Result<std::unique_ptr<Stage>> EthModule::create(const StageContext& context) {
  if (context.position != 1) return context.chain_error("eth stands right on its device: write PARTNER/eth");
  if (context.device.info.link != Link::kEthernet) {
    return context.chain_error("'" + context.device.name + "' does not speak Ethernet; leave eth out");
  }
  // On the near side of "eth0/eth" alone.  Under a far side's chain, or as all of it,
  // it puts headers on.
  const bool raw = context.top() && context.near_side();
  return std::unique_ptr<Stage>(
      std::make_unique<EthStage>(node_, neighbours_, host_, context.device, context.up(), raw));
}

Result<void> EthModule::refine(const StageContext&, DemuxKey& key) {
  key.leaves = PayloadMatch::kNetwork;
  return {};
}

}  // namespace weft
