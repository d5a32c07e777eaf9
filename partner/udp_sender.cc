// SPDX-License-Identifier: Apache-2.0
#include "partner/udp_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft {

namespace {

bool has_offload(const Packet* p) { return (p->flags & Packet::kOffload) != 0; }

DropReason reason_of(int error) {
  switch (error) {
    case EMSGSIZE:
      return DropReason::kTooBig;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
      return DropReason::kPartnerDown;
    default:
      return DropReason::kDeviceError;
  }
}

void drop_front(Pvec& v, size_t n, DropReason reason, PartnerStats& stats) {
  for (; n > 0; --n) drop(v.pop_front(), reason, stats.drops);
}

}  // namespace

UdpSender::UdpSender(int fd, Link link, Pool& pool, bool segments)
    : fd_(fd), link_(link), pool_(pool), segmenter_(pool), segment_limit_(segments ? kMaxMessage : 0) {}

void UdpSender::push(Pvec& v, PartnerStats& stats) {
  if (std::any_of(v.begin(), v.end(), has_offload)) complete_checksums(v, stats);
  while (!v.empty()) {
    if (has_offload(v[0])) {
      send_cut(v.pop_front(), stats);
    } else if (!send_some(v, stats)) {
      break;
    }
  }
  stats.refused.add(v.size());
}

// Turns `v` round once; what needs to be cut stays as it is.
void UdpSender::complete_checksums(Pvec& v, PartnerStats& stats) {
  for (size_t n = v.size(); n > 0; --n) {
    PacketPtr p = v.pop_front();
    if (has_offload(p.get()) && p->offload().segment_size == 0) {
      if (auto refused = complete_checksum(pool_, p)) {
        drop(std::move(p), *refused, stats.drops);
        continue;
      }
    }
    v.push_back(std::move(p));
  }
}

void UdpSender::send_cut(PacketPtr super, PartnerStats& stats) {
  if (auto refused = segmenter_.start(super, link_)) {
    drop(std::move(super), *refused, stats.drops);
    return;
  }
  Pvec segments;
  bool room = true;
  while (room && !segmenter_.done()) {
    while (!segments.full()) {
      PacketPtr s = segmenter_.next();
      if (!s) break;
      segments.push_back(std::move(s));
    }
    if (segments.empty()) {
      segmenter_.abandon(DropReason::kPoolExhausted, stats.drops);
      return;
    }
    while (room && !segments.empty()) room = send_some(segments, stats);
  }
  drop(segments, DropReason::kPartnerRefused, stats.drops);
  segmenter_.abandon(DropReason::kPartnerRefused, stats.drops);
}

// One system call for packets from the front of `v`.  False when the socket is full.
// REQUIRES: !v.empty() and !has_offload(v[0])
bool UdpSender::send_some(Pvec& v, PartnerStats& stats) {
  const size_t messages = gather(v);
  if (messages == 0) {  // a chain of more Segs than one message takes
    drop_front(v, 1, DropReason::kTooBig, stats);
    return true;
  }
  const int sent = ::sendmmsg(fd_, headers_.data(), unsigned(messages), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return handle_error(errno, v, stats);
  for (size_t i = 0; i < size_t(sent); ++i) {
    const Message& m = messages_[i];
    stats.tx_packets.add(m.packets);
    stats.tx_bytes.add(m.bytes);
    for (size_t k = 0; k < m.packets; ++k) v.pop_front().reset();
  }
  return true;
}

// Lays packets out as messages, up to the first that has an Offload.  Returns how many.
size_t UdpSender::gather(const Pvec& v) {
  size_t messages = 0, iovecs = 0;
  for (const Packet* p : v) {
    if (has_offload(p) || iovecs + p->segs > kIovecs) break;
    const uint32_t bytes = p->total_length();
    if (messages == 0 || !joins(messages_[messages - 1], bytes)) {
      messages_[messages] = {.segment = bytes};
      start_message(headers_[messages], &iovecs_[iovecs]);
      ++messages;
    }
    Message& m = messages_[messages - 1];
    for (const Seg* s = p; s != nullptr; s = s->next) iovecs_[iovecs++] = {s->data, s->length};
    headers_[messages - 1].msg_hdr.msg_iovlen += p->segs;
    m.bytes += bytes;
    m.closed = bytes < m.segment;
    if (++m.packets == 2) mark_as_run(messages - 1);
  }
  return messages;
}

bool UdpSender::joins(const Message& m, uint32_t bytes) const {
  return !m.closed && bytes > 0 && bytes <= m.segment && m.segment <= segment_limit_ &&
         m.packets < kMaxSegments && m.bytes + bytes <= kMaxMessage;
}

void UdpSender::start_message(mmsghdr& header, iovec* first) const {
  header.msg_hdr.msg_iov = first;
  header.msg_hdr.msg_iovlen = 0;
  header.msg_hdr.msg_control = nullptr;
  header.msg_hdr.msg_controllen = 0;
}

void UdpSender::mark_as_run(size_t message) {
  msghdr& header = headers_[message].msg_hdr;
  header.msg_control = controls_[message].bytes.data();
  header.msg_controllen = controls_[message].bytes.size();
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  c->cmsg_level = SOL_UDP;
  c->cmsg_type = UDP_SEGMENT;
  c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  const auto segment = uint16_t(messages_[message].segment);
  std::memcpy(CMSG_DATA(c), &segment, sizeof segment);
}

// The first message was not sent.  False when the socket is full.
bool UdpSender::handle_error(int error, Pvec& v, PartnerStats& stats) {
  if (error == EAGAIN || error == ENOBUFS || error == ENOMEM) return false;
  if (error == EINTR) return true;
  const Message& m = messages_[0];
  if (m.packets > 1) {
    // As a run it is over the link's MTU, or the device cannot: again, one by one.
    if (error == EINVAL || error == EMSGSIZE) {
      segment_limit_ = m.segment - 1;
      return true;
    }
    if (error == EIO || error == EOPNOTSUPP) {
      segment_limit_ = 0;
      return true;
    }
  }
  // ECONNREFUSED tells of an earlier datagram: the first packet pays for it.
  drop_front(v, error == ECONNREFUSED ? 1 : m.packets, reason_of(error), stats);
  return true;
}

}  // namespace weft
