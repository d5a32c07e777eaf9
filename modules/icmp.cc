// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp.h"

#include <cstring>

#include "modules/attributes.h"
#include "modules/checksum.h"
#include "modules/icmp_error.h"
#include "modules/ip4_header.h"
#include "modules/ip_options.h"
#include "modules/packet_edit.h"
#include "modules/pass.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"type"};
constexpr size_t kChecksum = 2;

class IcmpStage final : public Stage {
 public:
  IcmpStage(IpNode& node, Dir up, bool answers) : node_(node), up_(up), answers_(answers) {}

  void deliver(Dir dir, Pvec& v) override {
    Pvec on, back;
    while (!v.empty()) {
      PacketPtr p = v.pop_front();
      if (dir == up_) {
        receive(std::move(p), on, back);
      } else {
        send(std::move(p), on);
      }
    }
    hand_on(dir, on);
    hand_on(up_ == Dir::kForward ? Dir::kBackward : Dir::kForward, back);
  }

 private:
  void receive(PacketPtr p, Pvec& on, Pvec& back) {
    if (!gather_front_kept(p)) return;
    // RFC 1122 section 3.2.2.  A checksum that the sender left for later is good.
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
    Address to{};
    std::memcpy(to.data(), p->network_header() + ip4::kDestination, 4);
    if (node_.of_kernel(to, 4)) return drop(std::move(p), DropReason::kForKernel);
    if (turn_round(p)) {
      back.push_back(std::move(p));
    } else {
      drop(std::move(p), DropReason::kPoolExhausted);
    }
  }

  // The ICMP header in one piece, with the IP header still in front of it.  False when
  // the packet was lost.
  bool gather_front_kept(PacketPtr& p) {
    if (p->length >= icmp4::kHeader) return true;
    if (p->total_length() < icmp4::kHeader) {
      drop(std::move(p), DropReason::kTooShort);
      return false;
    }
    const bool headers = (p->flags & Packet::kHeaders) != 0;
    const auto in_front = headers ? uint32_t(p->data - p->network_header()) : 0;
    p->push(in_front);
    if (!gather_front(node_.pool, p, in_front + icmp4::kHeader)) {
      drop(std::move(p), DropReason::kPoolExhausted);
      return false;
    }
    p->pop(in_front);
    if (headers) p->flags |= Packet::kHeaders;
    return true;
  }

  static bool unfinished_checksum(const Packet& p) {
    return (p.flags & Packet::kOffload) && p.offload().checksum_offset != 0;
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
    const auto before = load<uint16_t>(icmp);
    icmp[0] = icmp4::kEchoReply;
    icmp[1] = 0;
    const uint16_t adjusted = adjust_checksum(load<uint16_t>(icmp + kChecksum), before, load<uint16_t>(icmp));
    // By difference, a message of zeros cannot be told from one of ones (RFC 1624
    // section 3): then the sum is taken over.
    if (unfinished || adjusted == 0) {
      write_checksum(*p, icmp, header);
    } else {
      store(icmp + kChecksum, adjusted);
    }
    const auto from = load<uint32_t>(h + ip4::kSource);
    store(h + ip4::kSource, load<uint32_t>(h + ip4::kDestination));
    store(h + ip4::kDestination, from);
    store_be16(h + ip4::kFragment, 0);
    h[ip4::kTtl] = ip4::kDefaultTtl;
    store_be16(h + ip4::kId, node_.ids.next(h));
    if (has_ip4_options(h)) keep_echoed_options(h);
    p->flags |= Packet::kOrigin;  // ip writes the header checksum
    return true;
  }

  static void write_checksum(const Packet& p, uint8_t* icmp, uint32_t offset) {
    store(icmp + kChecksum, uint16_t{0});
    store(icmp + kChecksum, checksum_of(add_chain_checksum(0, p, offset)));
  }

  void send(PacketPtr p, Pvec& on) {
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

  IpNode& node_;
  Dir up_;
  bool answers_;
};

}  // namespace

std::span<const std::string_view> IcmpModule::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> IcmpModule::create(const StageContext& context) {
  if (context.below() != "ip") {
    return context.chain_error("icmp stands on ip, not on '" + std::string(context.below()) + "'");
  }
  auto type = number_attribute(context, "type", 0, 255);
  if (!type) return type.error();
  if (context.spec.cut() && context.near_side()) return std::unique_ptr<Stage>(std::make_unique<PassStage>());
  return std::unique_ptr<Stage>(std::make_unique<IcmpStage>(node_, context.up(), !*type));
}

Result<void> IcmpModule::refine(const StageContext& context, DemuxKey& key) {
  auto type = number_attribute(context, "type", 0, 255);
  if (!type) return type.error();
  if (*type) key.payload.push_back({.offset = 0, .value = {uint8_t(**type)}, .mask = {0xff}});
  return {};
}

}  // namespace weft
