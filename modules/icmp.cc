// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp.h"

#include "modules/icmp_error.h"
#include "modules/ip_header.h"
#include "modules/ip_options.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

class Icmp4Stage final : public IcmpStage {
 public:
  Icmp4Stage(IpNode& node, Dir up, bool answers) : IcmpStage(node, up), answers_(answers) {}

 private:
  void receive(PacketPtr p, Pvec& on, Pvec& back) override {
    if (p->total_length() < icmp4::kHeader) return drop(std::move(p), DropReason::kTooShort);
    if (!gather_message(p, icmp4::kHeader)) return drop(std::move(p), DropReason::kPoolExhausted);
    // RFC 1122 section 3.2.2.
    if (!unfinished_checksum(*p) && !checksum_good(add_chain_checksum(0, *p, 0))) {
      return drop(std::move(p), DropReason::kBadChecksum);
    }
    if (!answers_ || p->data[0] != icmp4::kEchoRequest || !(p->flags & Packet::kHeaders)) {
      return on.push_back(std::move(p));
    }
    // RFC 1122 section 3.2.2.6: broadcast and multicast echoes may go without answer.
    const uint32_t asked = ip4::destination(p->network_header());
    if (!ip4::is_unicast(asked) || node_.is_directed_broadcast(asked)) {
      return drop(std::move(p), DropReason::kConsumed);
    }
    if (node_.kernel_answers(p->in_port, ip::destination(p->network_header(), ip::kLayout4), 4))
      return drop(std::move(p), DropReason::kForKernel);
    if (turn_round(p)) {
      back.push_back(std::move(p));
    } else {
      drop(std::move(p), DropReason::kPoolExhausted);
    }
  }

  // Makes the reply of a request.  False when the pool is exhausted; the packet then
  // has its headers in front.
  bool turn_round(PacketPtr& p) {
    const bool unfinished = unfinished_checksum(*p);
    const auto header = uint32_t(p->data - p->network_header());
    p->flags &= uint16_t(~(Packet::kOffload | Packet::kHeaders | Packet::kLocal));
    p->push(header);
    if (!node_.pool.unshare_front(p, header + icmp4::kHeader)) return false;
    uint8_t* h = p->data;
    uint8_t* icmp = h + header;
    if (!make_reply(icmp, icmp4::kEchoReply) || unfinished) write_checksum(*p, icmp, header);
    const auto from = load<uint32_t>(h + ip4::kSource);
    store(h + ip4::kSource, load<uint32_t>(h + ip4::kDestination));
    store(h + ip4::kDestination, from);
    store_be16(h + ip4::kFragment, 0);
    h[ip4::kTtl] = ip4::kDefaultTtl;
    store_be16(h + ip4::kId, node_.ids.next4(h));
    if (has_ip4_options(h)) keep_echoed_options(h);
    p->flags |= Packet::kOrigin;  // ip writes the header checksum
    return true;
  }

  static void write_checksum(const Packet& p, uint8_t* icmp, uint32_t offset) {
    store(icmp + kChecksum, uint16_t{0});
    store(icmp + kChecksum, checksum_of(add_chain_checksum(0, p, offset)));
  }

  void send(PacketPtr p, Pvec& on) override {
    if (p->flags & Packet::kOrigin) return on.push_back(std::move(p));
    if (p->total_length() < icmp4::kHeader) return drop(std::move(p), DropReason::kTooShort);
    // The headers in front may name the addressee: they must stay there.
    const bool headers = (p->flags & Packet::kHeaders) != 0 && p->network_header() <= p->data;
    const auto in_front = headers ? uint32_t(p->data - p->network_header()) : 0;
    p->push(in_front);
    if (!node_.pool.unshare_front(p, in_front + icmp4::kHeader)) {
      return drop(std::move(p), DropReason::kPoolExhausted);
    }
    p->pop(in_front);
    p->flags =
        uint16_t((p->flags & ~(Packet::kOffload | Packet::kHeaders)) | (headers ? Packet::kHeaders : 0));
    write_checksum(*p, p->data, 0);
    on.push_back(std::move(p));
  }

  const bool answers_;
};

}  // namespace

std::unique_ptr<Stage> IcmpModule::make_stage(const StageContext& context, bool answers) {
  return std::make_unique<Icmp4Stage>(node_, context.up(), answers);
}

}  // namespace weft
