// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_fragment.h"

#include <algorithm>
#include <cstring>

#include "modules/ip4_header.h"
#include "modules/ip_options.h"

namespace weft {

Ip4Fragmenter::Ip4Fragmenter(Pool& pool, Packet& whole, uint32_t mtu)
    : pool_(pool),
      whole_(whole),
      header_(ip4::header_length(whole.data)),
      payload_(whole.total_length() - header_),
      unit_((std::max(mtu, ip4::kMinMtu) - header_) & ~7u) {}

// A fragment is a header and one Seg, and one more wherever a Seg of the packet ends.
bool Ip4Fragmenter::fits_pool() const { return 2 * size_t{count()} + whole_.segs <= pool_.available(); }

PacketPtr Ip4Fragmenter::next() {
  if (at_ >= payload_) return nullptr;
  const uint32_t n = std::min(unit_, payload_ - at_);
  PacketPtr fragment = pool_.alloc();
  if (!fragment) return fragment;
  PacketPtr payload = pool_.overlay(whole_, header_ + at_, n);
  if (!payload) return payload;

  uint8_t* h = fragment->data;
  std::memcpy(h, whole_.data, header_);
  if (at_ > 0) blank_uncopied_options(h);
  const uint16_t field = ip4::fragment_field(whole_.data);
  const bool more = at_ + n < payload_ || (field & ip4::kMoreFragments) != 0;
  const uint32_t offset = (field & ip4::kOffsetMask) + at_ / 8;
  store_be16(h + ip4::kTotalLength, uint16_t(header_ + n));
  store_be16(h + ip4::kFragment, uint16_t((field & ~ip4::kOffsetMask & ~ip4::kMoreFragments) | offset |
                                          (more ? ip4::kMoreFragments : 0)));
  ip4::write_checksum(h);

  fragment->length = header_;
  fragment->flags = whole_.flags & (Packet::kLocal | Packet::kOrigin | Packet::kLinkGroup);
  fragment->next_hop = whole_.next_hop;
  fragment->path = whole_.path;
  fragment->in_port = whole_.in_port;
  fragment->timestamp = whole_.timestamp;
  fragment->l3 = uint16_t(fragment->data - fragment->window());
  fragment->l4 = uint16_t(fragment->l3 + header_);
  fragment->segs = uint16_t(1 + payload->segs);
  fragment->next = payload.release();
  at_ += n;
  return fragment;
}

}  // namespace weft
