// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/link_questions.h"

#include "modules/arp.h"

namespace weft {

void LinkQuestions::ask(uint16_t port, uint8_t family, const Address& target, unsigned) {
  const auto path = arp_paths_.find(port);
  if (family != 4 || path == arp_paths_.end()) return;
  worker_.post([this, port, target, opening = path->second, mac = geni_.port(port).info.mac] {
    const LocalAddress* own = node_.source_on(port, 4);
    PacketPtr question = arp_request(node_.pool, mac, own == nullptr ? Address{} : own->address, target);
    if (!question) return;
    Pvec v;
    v.push_back(std::move(question));
    geni_.push(opening, v);
    weft::drop(v, DropReason::kPartnerRefused, drops_);
  });
}

}  // namespace weft
