// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_rewrite.h"

#include "modules/ip4_header.h"
#include "partner/pool.h"

namespace weft {

void IpRewrite::deliver(Dir dir, Pvec& v) {
  if (!ttl_ && !tos_) return hand_on(dir, v);
  Pvec on;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    // Behind an ip stage that forwards, the header is whole and in one piece.
    if (!node_.pool.unshare_front(p, ip4::header_length(p->data))) {
      drop(std::move(p), DropReason::kPoolExhausted);
      continue;
    }
    if (ttl_) p->data[ip4::kTtl] = uint8_t(*ttl_);
    if (tos_) p->data[ip4::kTos] = uint8_t(*tos_);
    ip4::write_checksum(p->data);
    on.push_back(std::move(p));
  }
  hand_on(dir, on);
}

}  // namespace weft
