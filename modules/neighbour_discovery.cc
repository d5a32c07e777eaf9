// SPDX-License-Identifier: Apache-2.0
#include "modules/neighbour_discovery.h"

#include <cstring>

#include "modules/icmp6_error.h"
#include "modules/ip6_header.h"

namespace weft::nd {

namespace {

constexpr uint8_t kHopLimit = 255;  // of all messages: no router let them through
constexpr uint8_t kSourceOption = 1, kTargetOption = 2;
constexpr uint8_t kRouter = 0x80, kSolicited = 0x40, kOverride = 0x20;
constexpr uint32_t kFlags = 4, kTarget = 8, kOptions = 24;  // offsets in the message
constexpr uint32_t kLinkOption = 8;                         // length of one with a MAC address
constexpr uint32_t kEthernet = 14;

// Whether a fragment header stands between the IPv6 header at `ip` and its payload.
bool in_fragment(const uint8_t* ip, const uint8_t* payload) {
  uint8_t protocol = ip[ip6::kNextHeader];
  for (const uint8_t* at = ip + ip6::kHeader; at < payload; at += (at[1] + 1) * 8) {
    if (protocol == ip6::kFragment) return true;
    protocol = at[0];
  }
  return false;
}

// Takes the link address from the options; others are skipped.  (Section 4.6.)
std::optional<DropReason> read_options(const uint8_t* at, uint32_t length, Message& message) {
  const uint8_t wanted = message.solicitation ? kSourceOption : kTargetOption;
  while (length > 0) {
    if (length < 2) return DropReason::kBadOptions;
    const uint32_t option = at[1] * 8u;
    if (option == 0 || option > length) return DropReason::kBadOptions;
    if (at[0] == wanted) {
      if (option != kLinkOption) return DropReason::kBadOptions;  // not of Ethernet: RFC 2464 section 6
      if (!message.mac) std::memcpy(message.mac.emplace().data(), at + 2, 6);
    }
    at += option;
    length -= option;
  }
  return std::nullopt;
}

std::optional<DropReason> check_solicitation(const Message& m) {
  if (!ip6::is_unspecified(m.source.data())) return std::nullopt;
  // A node that only wants to know whether it may have the address.
  const bool to_group = m.destination == ip6::solicited_node(m.target);
  return to_group && !m.mac ? std::nullopt : std::optional(DropReason::kMartianSource);
}

std::optional<DropReason> check_advertisement(const Message& m) {
  if (ip6::is_unspecified(m.source.data())) return DropReason::kMartianSource;
  if (m.solicited && ip6::is_multicast(m.destination.data())) return DropReason::kMartianDestination;
  return std::nullopt;
}

// A packet of the node's own with one message, whose flags and option are still to be
// written.  To `link`, or, when that is null, to whom the destination leads.
PacketPtr fresh(Pool& pool, const MacAddress& mac, const MacAddress* link, const Address& source,
                const Address& destination, uint8_t type, const Address& target) {
  PacketPtr p = pool.alloc();
  if (!p) return p;
  uint8_t* h = p->data;
  if (link != nullptr) {
    std::memcpy(h - kEthernet, link->data(), 6);
    std::memcpy(h - kEthernet + 6, mac.data(), 6);
    store_be16(h - 2, ip6::kLinkProtocol);
    p->flags |= Packet::kLinkHeader;
  }
  constexpr uint32_t kLength = kOptions + kLinkOption;
  ip6::write_first_word(h, 0);
  store_be16(h + ip6::kPayloadLength, kLength);
  h[ip6::kNextHeader] = ip6::kIcmp;
  h[ip6::kHopLimit] = kHopLimit;
  std::memcpy(h + ip6::kSource, source.data(), 16);
  std::memcpy(h + ip6::kDestination, destination.data(), 16);
  uint8_t* message = h + ip6::kHeader;
  std::memset(message, 0, kLength);
  message[0] = type;
  std::memcpy(message + kTarget, target.data(), 16);
  message[kOptions + 1] = kLinkOption / 8;
  std::memcpy(message + kOptions + 2, mac.data(), 6);
  p->length = ip6::kHeader + kLength;
  p->flags |= Packet::kOrigin;
  return p;
}

PacketPtr completed(PacketPtr p) {
  icmp6::write_checksum(p->data, p->length - ip6::kHeader);
  return p;
}

}  // namespace

std::optional<DropReason> read(const Packet& p, Message& message) {
  const uint8_t* ip = p.window() + p.l3;
  const uint8_t* m = p.data;
  if (p.length < kOptions) return DropReason::kTooShort;
  // Whoever sent it is not on this link.
  if (ip[ip6::kHopLimit] != kHopLimit) return DropReason::kMartianSource;
  if (in_fragment(ip, m)) return DropReason::kBadOptions;  // RFC 6980 section 5
  if (m[1] != 0) return DropReason::kUnknownProtocol;
  if (ip6::is_multicast(m + kTarget)) return DropReason::kMartianDestination;
  message.solicitation = m[0] == icmp6::kNeighbourSolicitation;
  message.source = ip6::address_at(ip + ip6::kSource);
  message.destination = ip6::address_at(ip + ip6::kDestination);
  message.target = ip6::address_at(m + kTarget);
  if (auto bad = read_options(m + kOptions, p.length - kOptions, message)) return bad;
  if (message.solicitation) return check_solicitation(message);
  message.solicited = (m[kFlags] & kSolicited) != 0;
  message.overrides = (m[kFlags] & kOverride) != 0;
  return check_advertisement(message);
}

PacketPtr solicitation(Pool& pool, const MacAddress& mac, const Address& source, const Address& target,
                       const MacAddress* known) {
  const Address to = known != nullptr ? target : ip6::solicited_node(target);
  PacketPtr p = fresh(pool, mac, known, source, to, icmp6::kNeighbourSolicitation, target);
  if (!p) return p;
  p->data[ip6::kHeader + kOptions] = kSourceOption;
  return completed(std::move(p));
}

PacketPtr advertisement(Pool& pool, const MacAddress& mac, const Message& question, bool router) {
  // Who only wants to know whether it may have the address cannot be spoken to.
  const bool asker = !ip6::is_unspecified(question.source.data());
  const Address to = asker ? question.source : ip6::kAllNodes;
  const MacAddress* link = question.mac ? &*question.mac : nullptr;
  PacketPtr p = fresh(pool, mac, link, question.target, to, icmp6::kNeighbourAdvertisement, question.target);
  if (!p) return p;
  uint8_t* message = p->data + ip6::kHeader;
  message[kFlags] = uint8_t(kOverride | (asker ? kSolicited : 0) | (router ? kRouter : 0));
  message[kOptions] = kTargetOption;
  return completed(std::move(p));
}

}  // namespace weft::nd
