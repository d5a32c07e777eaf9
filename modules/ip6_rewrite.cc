// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_rewrite.h"

#include "modules/ip6_header.h"
#include "partner/pool.h"

namespace weft {

void Ip6Rewrite::deliver(Dir dir, Pvec& v) {
  if (!hop_ && !class_) return hand_on(dir, v);
  Pvec on;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    // Behind an ip6 stage that forwards, the header is whole and in one piece.
    if (!node_.pool.unshare_front(p, ip6::kHeader)) {
      drop(std::move(p), DropReason::kPoolExhausted);
      continue;
    }
    uint8_t* h = p->data;
    if (hop_) h[ip6::kHopLimit] = uint8_t(*hop_);
    if (class_) store_be16(h, uint16_t((load_be16(h) & 0xf00f) | *class_ << 4));
    on.push_back(std::move(p));
  }
  hand_on(dir, on);
}

}  // namespace weft
