// SPDX-License-Identifier: Apache-2.0
#include "modules/arp.h"

#include <algorithm>
#include <cstring>

#include "modules/ip4_header.h"
#include "modules/packet_edit.h"

namespace weft {

namespace {

constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kRequest = 1, kReply = 2;
constexpr MacAddress kEveryone{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// Offsets in the frame.
constexpr size_t kDestination = 0, kSource = 6, kType = 12, kHardware = 14, kProtocol = 16, kSizes = 18,
                 kOperation = 20, kSenderMac = 22, kSenderIp = 28, kTargetMac = 32, kTargetIp = 38;
constexpr uint32_t kFrame = 42;

Address address_at(const uint8_t* at) {
  Address a{};
  std::memcpy(a.data(), at, 4);
  return a;
}

MacAddress mac_at(const uint8_t* at) {
  MacAddress m;
  std::memcpy(m.data(), at, m.size());
  return m;
}

void write_frame(uint8_t* f, const MacAddress& to, const MacAddress& from, uint16_t operation) {
  std::memcpy(f + kDestination, to.data(), 6);
  std::memcpy(f + kSource, from.data(), 6);
  store_be16(f + kType, kArp);
  store_be16(f + kHardware, 1);  // Ethernet
  store_be16(f + kProtocol, ip4::kLinkProtocol);
  store_be16(f + kSizes, 0x0604);
  store_be16(f + kOperation, operation);
  std::memcpy(f + kSenderMac, from.data(), 6);
}

class ArpStage final : public Stage {
 public:
  ArpStage(IpNode& node, Neighbours& neighbours, const Port& device)
      : node_(node), neighbours_(neighbours), device_(device) {}

  void deliver(Dir dir, Pvec& v) override {
    if (dir == Dir::kBackward) return hand_on(dir, v);
    Pvec back;
    while (!v.empty()) receive(v.pop_front(), back);
    hand_on(Dir::kBackward, back);
  }

 private:
  void receive(PacketPtr p, Pvec& back) {
    if (!gather_front(node_.pool, p, kFrame)) {
      const bool small = p->total_length() < kFrame;
      return drop(std::move(p), small ? DropReason::kTooShort : DropReason::kPoolExhausted);
    }
    const uint8_t* f = p->data;
    const MacAddress& own = device_.info.mac;
    const bool to_us = mac_at(f + kDestination) == own;
    if (!to_us && (f[kDestination] & 1) == 0) return drop(std::move(p), DropReason::kNotForUs);
    const uint16_t operation = load_be16(f + kOperation);
    if (load_be16(f + kHardware) != 1 || load_be16(f + kProtocol) != ip4::kLinkProtocol ||
        load_be16(f + kSizes) != 0x0604 || (operation != kRequest && operation != kReply)) {
      return drop(std::move(p), DropReason::kUnknownProtocol);
    }
    const MacAddress sender = mac_at(f + kSenderMac);
    const Address sender_ip = address_at(f + kSenderIp), target_ip = address_at(f + kTargetIp);
    // Nobody is a group, and nobody else is this node (RFC 5227: a conflict).
    if ((sender[0] & 1) != 0 || sender == MacAddress{} || sender == own || node_.owns(sender_ip, 4)) {
      return drop(std::move(p), DropReason::kMartianSource);
    }
    if (!answers_for(target_ip)) return drop(std::move(p), DropReason::kNotForUs);
    // RFC 826: who speaks to us is worth knowing.  A sender of 0 only probes (RFC 5227).
    if (ip4::is_unicast(load_be32(sender_ip.data()))) {
      neighbours_.learned({.kind = NeighbourEvent::kLearned,
                           .family = 4,
                           .port = device_.number,
                           .address = sender_ip,
                           .mac = sender,
                           .solicited = operation == kReply && to_us});
    } else if (load_be32(sender_ip.data()) != 0) {
      return drop(std::move(p), DropReason::kMartianSource);
    }
    if (operation == kReply) return drop(std::move(p), DropReason::kConsumed);

    if (!node_.pool.unshare_front(p, kFrame)) return drop(std::move(p), DropReason::kPoolExhausted);
    p->trim(kFrame);  // padding
    p->flags = uint16_t((p->flags & ~Packet::kOffload) | Packet::kOrigin);
    uint8_t* reply = p->data;
    write_frame(reply, sender, own, kReply);
    std::memcpy(reply + kSenderIp, target_ip.data(), 4);
    std::memcpy(reply + kTargetMac, sender.data(), 6);
    std::memcpy(reply + kTargetIp, sender_ip.data(), 4);
    back.push_back(std::move(p));
  }

  // Whether the address is ours on this link, and not the kernel's to answer for.
  bool answers_for(const Address& a) const {
    const bool ours =
        std::any_of(node_.addresses.begin(), node_.addresses.end(), [&](const LocalAddress& own) {
          return own.family == 4 && own.port == device_.number && own.address == a;
        });
    return ours && !node_.kernel_answers(device_.number, a, 4);
  }

  IpNode& node_;
  Neighbours& neighbours_;
  const Port& device_;
};

}  // namespace

Result<std::unique_ptr<Stage>> ArpModule::create(const StageContext& context) {
  if (context.position != 1) return context.chain_error("arp reads whole frames: write PARTNER/arp");
  if (context.device.info.link != Link::kEthernet) {
    return context.chain_error("'" + context.device.name + "' does not speak Ethernet, so it needs no arp");
  }
  if (!context.top() || context.spec.cut()) {
    return context.chain_error("nothing stands on arp, and it leads nowhere");
  }
  return std::unique_ptr<Stage>(std::make_unique<ArpStage>(node_, neighbours_, context.device));
}

Result<void> ArpModule::refine(const StageContext&, DemuxKey& key) {
  key.shape = DemuxKey::kLink;
  key.any_protocol = false;
  key.link_protocol = kArp;
  key.leaves = PayloadMatch::kNetwork;
  return {};
}

PacketPtr arp_request(Pool& pool, const MacAddress& mac, const Address& source, const Address& target,
                      const MacAddress* known) {
  PacketPtr p = pool.alloc();
  if (!p) return p;
  uint8_t* f = p->data;
  std::memset(f, 0, kFrame);
  write_frame(f, known != nullptr ? *known : kEveryone, mac, kRequest);
  std::memcpy(f + kSenderIp, source.data(), 4);
  std::memcpy(f + kTargetIp, target.data(), 4);
  p->length = kFrame;
  p->flags |= Packet::kOrigin;
  return p;
}

}  // namespace weft
