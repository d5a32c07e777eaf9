// SPDX-License-Identifier: Apache-2.0
#include "partner/offload.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

constexpr uint32_t kMaxHeaders = 512;  // link, network with options or extensions, TCP with options
constexpr uint16_t kIp4 = 0x0800, kIp6 = 0x86dd, kVlan = 0x8100, kServiceVlan = 0x88a8;
constexpr uint8_t kFin = 0x01, kPsh = 0x08, kCwr = 0x80;

// Offset of the network header, or 0xffff.
uint16_t network_offset(const uint8_t* at, uint32_t length, Link link) {
  if (link == Link::kRaw) return 0;
  uint16_t type_at = 12;
  while (uint32_t(type_at) + 2 <= length) {
    const uint16_t type = load_be16(at + type_at);
    if (type == kIp4 || type == kIp6) return uint16_t(type_at + 2);
    if (type != kVlan && type != kServiceVlan) break;
    type_at = uint16_t(type_at + 4);
  }
  return 0xffff;
}

// Offset of the transport header behind an IPv6 header at `l3`, and its protocol; 0
// if there is none within `length`.  A routing header is refused: the destination in
// the pseudo header is then another one.
uint16_t skip_ip6_headers(const uint8_t* at, uint32_t length, uint16_t l3, uint8_t& protocol) {
  protocol = at[l3 + 6];
  uint32_t l4 = l3 + 40u;
  while (protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS) {
    if (l4 + 8 > length) return 0;
    protocol = at[l4];
    l4 += (at[l4 + 1] + 1u) * 8;
  }
  return l4 < length ? uint16_t(l4) : uint16_t{0};
}

}  // namespace

std::optional<DropReason> complete_checksum(Pool& pool, PacketPtr& p) {
  const Offload offload = p->offload();
  if (offload.checksum_left()) {
    const uint32_t field = uint32_t(offload.checksum_start) + offload.checksum_offset;
    const uint32_t total = p->total_length();
    if (field + 2 > total || field + 2 > Packet::kRoom - Packet::kHeadroom) return DropReason::kBadLength;
    if (!pool.unshare_front(p, field + 2)) return DropReason::kPoolExhausted;
    store(p->data + field, checksum_but_zero(add_chain_checksum(0, *p, offload.checksum_start)));
  }
  p->flags = uint16_t(p->flags & ~Packet::kOffload);
  return std::nullopt;
}

std::optional<DropReason> Segmenter::start(PacketPtr& p, Link link) {
  const Offload& offload = p->offload();
  cut_ = offload.segment_size != 0;
  if (!cut_) {
    if (offload.kind != Offload::kNone) return DropReason::kBadLength;
    if (auto refused = complete_checksum(pool_, p)) return refused;
  } else if (auto refused = parse(p, link)) {
    return refused;
  }
  whole_ = std::move(p);
  return std::nullopt;
}

// Reads the headers of a super-packet and holds the Offload against them.
std::optional<DropReason> Segmenter::parse(PacketPtr& p, Link link) {
  constexpr auto kBad = DropReason::kBadLength;
  const Offload offload = p->offload();
  total_ = p->total_length();
  const uint32_t front = std::min(total_, kMaxHeaders);
  if (p->length < front && !pool_.unshare_front(p, front)) return DropReason::kPoolExhausted;
  const uint8_t* at = p->data;

  Headers h;
  h.l3 = network_offset(at, front, link);
  if (h.l3 + 20u > front) return kBad;
  uint8_t protocol = 0;
  h.ip4 = at[h.l3] >> 4 == 4;
  if (h.ip4) {
    const uint16_t ip_length = uint16_t((at[h.l3] & 0x0f) * 4);
    if (ip_length < 20 || load_be16(at + h.l3 + 2) != total_ - h.l3) return kBad;
    if ((load_be16(at + h.l3 + 6) & 0x3fff) != 0) return kBad;  // a fragment
    protocol = at[h.l3 + 9];
    h.l4 = uint16_t(h.l3 + ip_length);
  } else if (at[h.l3] >> 4 == 6) {
    if (h.l3 + 40u > front || load_be16(at + h.l3 + 4) != total_ - h.l3 - 40) return kBad;
    h.l4 = skip_ip6_headers(at, front, h.l3, protocol);
    if (h.l4 == 0) return kBad;
  } else {
    return DropReason::kBadVersion;
  }

  h.tcp = protocol == IPPROTO_TCP;
  const Offload::Kind kind = h.tcp ? (h.ip4 ? Offload::kTcp4 : Offload::kTcp6) : Offload::kUdp;
  if (offload.kind != kind || (!h.tcp && protocol != IPPROTO_UDP)) return kBad;
  if (h.l4 + (h.tcp ? 20u : 8u) > front) return kBad;
  const uint32_t transport = h.tcp ? (at[h.l4 + 12] >> 4) * 4u : 8u;
  if (transport < (h.tcp ? 20u : 8u) || h.l4 + transport > front || h.l4 + transport >= total_) return kBad;
  h.length = uint16_t(h.l4 + transport);
  if (offload.checksum_left() && offload.checksum_start != h.l4) return kBad;
  if (offload.headers_length < h.length || offload.headers_length > total_) return kBad;
  if (offload.segment_size > total_) return kBad;
  h.checksum = h.tcp || !h.ip4 || offload.checksum_left() || load<uint16_t>(at + h.l4 + 6) != 0;

  headers_ = h;
  size_ = offload.segment_size;
  offset_ = h.length;
  return std::nullopt;
}

size_t Segmenter::remaining() const {
  if (done()) return 0;
  return cut_ ? (total_ - offset_ + size_ - 1) / size_ : 1;
}

void Segmenter::abandon(DropReason reason, DropCounters& drops) {
  drops.add(reason, remaining());
  whole_.reset();
}

PacketPtr Segmenter::next() {
  if (done()) return nullptr;
  if (!cut_) return std::move(whole_);
  const uint32_t payload = std::min(size_, total_ - offset_);
  PacketPtr segment = headers_with(payload);
  if (!segment) return segment;
  finish(*segment, payload);
  offset_ += payload;
  if (offset_ == total_) whole_.reset();
  return segment;
}

// A copy of the headers in front of a window on the payload.
PacketPtr Segmenter::headers_with(uint32_t payload) {
  PacketPtr segment = pool_.alloc();
  if (!segment) return segment;
  PacketPtr body = pool_.overlay(*whole_, offset_, payload);
  if (!body) return body;
  std::memcpy(segment->data, whole_->data, headers_.length);
  pool_.count_copy(headers_.length);
  const ptrdiff_t moved = segment->data - segment->window() - (whole_->data - whole_->window());
  segment->length = headers_.length;
  segment->next_hop = whole_->next_hop;
  segment->path = whole_->path;
  segment->in_port = whole_->in_port;
  segment->timestamp = whole_->timestamp;
  segment->l3 = uint16_t(whole_->l3 + moved);
  segment->l4 = uint16_t(whole_->l4 + moved);
  segment->flags = uint16_t(whole_->flags & (Packet::kLocal | Packet::kOrigin));
  segment->segs = uint16_t(1 + body->segs);
  segment->next = body.release();
  return segment;
}

// What differs from segment to segment: lengths, numbers, flags, checksums.
void Segmenter::finish(Packet& segment, uint32_t payload) const {
  const uint32_t done = offset_ - headers_.length;
  const bool first = done == 0;
  const bool last = offset_ + payload == total_;
  uint8_t* ip = segment.data + headers_.l3;
  uint8_t* l4 = segment.data + headers_.l4;
  const uint32_t l4_length = headers_.length - headers_.l4 + payload;

  if (headers_.ip4) {
    store_be16(ip + 2, uint16_t(headers_.length - headers_.l3 + payload));
    store_be16(ip + 4, uint16_t(load_be16(ip + 4) + done / size_));
    store<uint16_t>(ip + 10, 0);
    store(ip + 10, uint16_t(~fold(add_checksum(0, ip, (ip[0] & 0x0f) * 4u))));
  } else {
    store_be16(ip + 4, uint16_t(headers_.length - headers_.l3 - 40 + payload));
  }

  if (headers_.tcp) {
    store_be32(l4 + 4, load_be32(l4 + 4) + done);
    if (!last) l4[13] = uint8_t(l4[13] & ~(kFin | kPsh));
    if (!first && whole_->offload().ecn) l4[13] = uint8_t(l4[13] & ~kCwr);
  } else {
    store_be16(l4 + 4, uint16_t(l4_length));
  }
  uint8_t* field = l4 + (headers_.tcp ? 16 : 6);
  store<uint16_t>(field, 0);
  if (!headers_.checksum) return;
  const uint8_t protocol = headers_.tcp ? IPPROTO_TCP : IPPROTO_UDP;
  const uint64_t pseudo = headers_.ip4 ? pseudo_header_sum(ip + 12, 4, protocol, l4_length)
                                       : pseudo_header_sum(ip + 8, 16, protocol, l4_length);
  store(field, checksum_but_zero(add_chain_checksum(pseudo, segment, headers_.l4)));
}

}  // namespace weft
