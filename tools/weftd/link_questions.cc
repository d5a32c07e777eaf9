// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/link_questions.h"

#include "modules/arp.h"
#include "modules/ip6_header.h"
#include "modules/ip6_source.h"
#include "modules/neighbour_discovery.h"

namespace weft {

namespace {

struct Question {
  const Port& port;
  uint8_t family;
  Address target;
  std::optional<MacAddress> known;
};

// Empty when the pool is exhausted, or when the node has no address to ask from.
PacketPtr packet_of(const Question& q, const IpNode& node) {
  const MacAddress* known = q.known ? &*q.known : nullptr;
  if (q.family == 4) {
    const LocalAddress* own = node.source_on(q.port.number, 4);
    return arp_request(node.pool, q.port.info.mac, own == nullptr ? Address{} : own->address, q.target,
                       known);
  }
  // RFC 4861 section 4.3: from an address of this link.
  const LocalAddress* own = ip6_source(node, q.port.number, ip6::solicited_node(q.target).data());
  if (own == nullptr) return nullptr;
  return nd::solicitation(node.pool, q.port.info.mac, own->address, q.target, known);
}

}  // namespace

void LinkQuestions::ask(uint16_t port, uint8_t family, const Address& target, unsigned,
                        const MacAddress* known) {
  const auto path = paths_.find({port, family});
  if (path == paths_.end()) return;
  const Question question{geni_.port(port), family, target,
                          known == nullptr ? std::nullopt : std::optional(*known)};
  worker_.post([this, question, opening = path->second] {
    PacketPtr packet = packet_of(question, node_);
    if (!packet) return;
    Pvec v;
    v.push_back(std::move(packet));
    geni_.push(opening, v);
    weft::drop(v, DropReason::kPartnerRefused, drops_);
  });
}

}  // namespace weft
