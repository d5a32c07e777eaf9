// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_fragment.h"

namespace weft {

// A fragment is its headers and one Seg, and one more wherever a Seg of the packet ends.
bool Ip6Fragmenter::fits_pool() const { return 2 * size_t{count()} + whole_.segs <= pool_.available(); }

PacketPtr Ip6Fragmenter::next() {
  if (at_ >= payload_) return nullptr;
  const uint32_t n = std::min(kUnit, payload_ - at_);
  PacketPtr fragment = pool_.alloc();
  if (!fragment) return fragment;
  PacketPtr payload = pool_.overlay(whole_, ip6::kHeader + at_, n);
  if (!payload) return payload;

  uint8_t* h = fragment->data;
  std::memcpy(h, whole_.data, ip6::kHeader);
  store_be16(h + ip6::kPayloadLength, uint16_t(ip6::kFragmentHeader + n));
  h[ip6::kNextHeader] = ip6::kFragment;
  uint8_t* header = h + ip6::kHeader;
  header[0] = whole_.data[ip6::kNextHeader];
  header[1] = 0;
  const bool more = at_ + n < payload_;
  store_be16(header + ip6::kFragmentField, uint16_t(at_ | (more ? ip6::kMoreFragments : 0)));
  store_be32(header + ip6::kFragmentId, id_);

  fragment->length = ip6::kHeader + ip6::kFragmentHeader;
  fragment->flags = whole_.flags & (Packet::kLocal | Packet::kOrigin | Packet::kLinkGroup);
  fragment->next_hop = whole_.next_hop;
  fragment->path = whole_.path;
  fragment->in_port = whole_.in_port;
  fragment->timestamp = whole_.timestamp;
  fragment->l3 = uint16_t(fragment->data - fragment->window());
  fragment->l4 = uint16_t(fragment->l3 + fragment->length);
  fragment->segs = uint16_t(1 + payload->segs);
  fragment->next = payload.release();
  at_ += n;
  return fragment;
}

}  // namespace weft
