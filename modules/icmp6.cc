// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp6.h"

#include <algorithm>
#include <cstring>

#include "modules/icmp6_error.h"
#include "modules/ip6_header.h"
#include "modules/ip6_source.h"
#include "modules/neighbour_discovery.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

class Icmp6Stage final : public IcmpStage {
 public:
  Icmp6Stage(IpNode& node, Neighbours& neighbours, const Port& device, Dir up, bool answers)
      : IcmpStage(node, up), neighbours_(neighbours), device_(device), answers_(answers) {}

 private:
  void receive(PacketPtr p, Pvec& on, Pvec& back) override {
    if (!(p->flags & Packet::kHeaders)) return drop(std::move(p), DropReason::kBadLength);
    if (p->total_length() < icmp6::kHeader) return drop(std::move(p), DropReason::kTooShort);
    if (!gather_message(p, icmp6::kHeader)) return drop(std::move(p), DropReason::kPoolExhausted);
    if (!checksum_right(*p)) return drop(std::move(p), DropReason::kBadChecksum);
    if (!answers_) return on.push_back(std::move(p));
    switch (p->data[0]) {
      case icmp6::kEchoRequest:
        return echo(std::move(p), back);
      case icmp6::kNeighbourSolicitation:
      case icmp6::kNeighbourAdvertisement:
        return discover(std::move(p), back);
      default:
        // RFC 4443 section 2.4 (a) and (b).  Redirects and other routers' advertisements
        // are not for a router (RFC 4861 sections 6.2.7 and 8.2), and one that advertises
        // nothing owes nobody an answer (section 6.2.6).
        return on.push_back(std::move(p));
    }
  }

  // RFC 4443 section 2.3.
  static bool checksum_right(Packet& p) {
    if (unfinished_checksum(p)) return true;
    return checksum_good(add_chain_checksum(pseudo(p.network_header(), p.total_length()), p, 0));
  }

  static uint64_t pseudo(const uint8_t* header, uint32_t length) {
    return pseudo_header_sum(header + ip6::kSource, 16, ip6::kIcmp, length);
  }

  // --- echo: RFC 4443 section 4.2 ---

  void echo(PacketPtr p, Pvec& back) {
    const uint8_t* h = p->network_header();
    if (ip6::is_unspecified(h + ip6::kSource)) return drop(std::move(p), DropReason::kMartianSource);
    Address from = ip6::address_at(h + ip6::kDestination);
    if (ip6::is_multicast(from.data())) {
      // A group is answered for from an address of the link.
      const LocalAddress* own = ip6_source(node_, device_.number, h + ip6::kSource);
      if (own == nullptr || own->port != device_.number) return drop(std::move(p), DropReason::kConsumed);
      from = own->address;
    }
    if (node_.kernel_answers(p->in_port, from, 6)) return drop(std::move(p), DropReason::kForKernel);
    if (turn_round(p, from)) {
      back.push_back(std::move(p));
    } else {
      drop(std::move(p), DropReason::kPoolExhausted);
    }
  }

  // Makes the reply of a request, from `from`.  False when the pool is exhausted.
  bool turn_round(PacketPtr& p, const Address& from) {
    const uint8_t* asked = p->network_header();
    const Address to = ip6::address_at(asked + ip6::kSource);
    const bool same_sum = ip6::address_at(asked + ip6::kDestination) == from && !unfinished_checksum(*p);
    const uint8_t traffic_class = ip6::traffic_class(asked);
    p->flags &= uint16_t(~(Packet::kOffload | Packet::kHeaders | Packet::kLocal));
    p->push(ip6::kHeader);  // over extension headers, which were for the request
    if (!node_.pool.unshare_front(p, ip6::kHeader + icmp6::kHeader)) return false;
    uint8_t* h = p->data;
    uint8_t* message = h + ip6::kHeader;
    const uint32_t length = p->total_length() - ip6::kHeader;
    ip6::write_first_word(h, traffic_class);
    store_be16(h + ip6::kPayloadLength, uint16_t(length));
    h[ip6::kNextHeader] = ip6::kIcmp;
    h[ip6::kHopLimit] = ip6::kDefaultHopLimit;
    std::memcpy(h + ip6::kSource, from.data(), 16);
    std::memcpy(h + ip6::kDestination, to.data(), 16);
    if (!make_reply(message, icmp6::kEchoReply) || !same_sum) {
      store(message + kChecksum, uint16_t{0});
      store(message + kChecksum, checksum_of(add_chain_checksum(pseudo(h, length), *p, ip6::kHeader)));
    }
    p->flags |= Packet::kOrigin;
    return true;
  }

  // --- neighbours: RFC 4861 section 7.2 ---

  void discover(PacketPtr p, Pvec& back) {
    // Where there are no link addresses, there is nothing to be found.
    if (device_.info.link != Link::kEthernet) return drop(std::move(p), DropReason::kUnknownProtocol);
    const uint32_t length = p->total_length();
    if (length > nd::kMaxMessage) return drop(std::move(p), DropReason::kTooBig);
    if (!gather_message(p, length)) return drop(std::move(p), DropReason::kPoolExhausted);
    nd::Message message;
    if (auto bad = nd::read(*p, message)) return drop(std::move(p), *bad);
    if (!sane_sender(message)) return drop(std::move(p), DropReason::kMartianSource);
    if (message.solicitation) return solicited(std::move(p), message, back);
    // Without a link address, it only says that what is known is still true.
    if (message.mac || message.solicited) learn(message, message.target);
    drop(std::move(p), DropReason::kConsumed);
  }

  void solicited(PacketPtr p, const nd::Message& question, Pvec& back) {
    if (!owns_here(question.target)) return drop(std::move(p), DropReason::kNotForUs);
    if (node_.kernel_answers(p->in_port, question.target, 6))
      return drop(std::move(p), DropReason::kForKernel);
    if (question.mac) learn(question, question.source);
    PacketPtr answer = nd::advertisement(node_.pool, device_.info.mac, question, node_.forwarding);
    if (!answer) return drop(std::move(p), DropReason::kPoolExhausted);
    answer->in_port = p->in_port;
    path().count_made(1);
    back.push_back(std::move(answer));
    drop(std::move(p), DropReason::kConsumed);
  }

  // Nobody is a group, and nobody else is this node (RFC 4862 section 5.4: a conflict).
  bool sane_sender(const nd::Message& m) const {
    if (m.mac && (((*m.mac)[0] & 1) != 0 || *m.mac == MacAddress{} || *m.mac == device_.info.mac))
      return false;
    return !owns_here(m.solicitation ? m.source : m.target);
  }

  // RFC 4861 sections 7.2.3 and 7.2.5.
  void learn(const nd::Message& m, const Address& of) {
    neighbours_.learned({.kind = NeighbourEvent::kLearned,
                         .family = 6,
                         .port = device_.number,
                         .address = of,
                         .mac = m.mac.value_or(MacAddress{}),
                         .solicited = m.solicited,
                         .overrides = m.solicitation || m.overrides});
  }

  // Whether the address is one of the node's on this link.
  bool owns_here(const Address& a) const {
    return std::any_of(node_.addresses.begin(), node_.addresses.end(), [&](const LocalAddress& own) {
      return own.family == 6 && own.port == device_.number && own.address == a;
    });
  }

  // --- down ---

  void send(PacketPtr p, Pvec& on) override {
    if (!(p->flags & Packet::kOrigin)) {
      if (p->total_length() < icmp6::kHeader) return drop(std::move(p), DropReason::kTooShort);
      p->flags &= uint16_t(~Packet::kOffload);
    }
    on.push_back(std::move(p));
  }

  Neighbours& neighbours_;
  const Port& device_;
  const bool answers_;
};

}  // namespace

std::unique_ptr<Stage> Icmp6Module::make_stage(const StageContext& context, bool answers) {
  return std::make_unique<Icmp6Stage>(node_, neighbours_, context.device, context.up(), answers);
}

}  // namespace weft
