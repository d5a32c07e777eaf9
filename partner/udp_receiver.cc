// SPDX-License-Identifier: Apache-2.0
#include "partner/udp_receiver.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft {

UdpReceiver::UdpReceiver(int fd, Pool& pool, uint32_t largest, bool joined)
    : fd_(fd),
      pool_(pool),
      largest_(largest),
      joined_(joined),
      batch_(std::clamp<size_t>(pool.capacity() / 8, 1, Pvec::kCapacity)) {
  if (!joined && largest <= kSlot) return;
  buffers_.emplace(kBuffers);
  for (auto& rest : rests_) rest = buffers_->take();
}

UdpReceiver::~UdpReceiver() {
  for (auto* rest : rests_) {
    if (rest != nullptr) buffers_->give(rest);
  }
}

void UdpReceiver::pull(Pvec& v, size_t max, PartnerStats& stats) {
  bool asked = false;
  while (max > 0) {
    if (whole_) {
      PacketPtr p = next_segment(stats);
      if (!p) continue;
      stats.rx_packets.add(1);
      stats.rx_bytes.add(p->total_length());
      v.push_back(std::move(p));
      --max;
    } else if (next_ < received_) {
      accept(next_++, stats);
    } else {
      if (asked || !receive(max)) return;
      asked = true;
    }
  }
}

// One system call.  False when nothing came.
bool UdpReceiver::receive(size_t max) {
  const size_t posted = post(std::min(max, batch_));
  next_ = received_ = 0;
  if (posted == 0) return false;
  int got = ::recvmmsg(fd_, headers_.data(), unsigned(posted), MSG_DONTWAIT, nullptr);
  // An error, such as ECONNREFUSED, tells of a datagram that was sent; asking clears it.
  if (got < 0 && errno != EAGAIN)
    got = ::recvmmsg(fd_, headers_.data(), unsigned(posted), MSG_DONTWAIT, nullptr);
  received_ = size_t(std::max(got, 0));
  return received_ > 0;
}

// Makes `wanted` messages ready to be filled, or as many as the pool allows.
size_t UdpReceiver::post(size_t wanted) {
  for (size_t i = 0; i < wanted; ++i) {
    if (!slots_[i]) slots_[i] = pool_.alloc();
    if (!slots_[i]) return i;
    msghdr& header = headers_[i].msg_hdr;
    iovecs_[i][0] = {slots_[i]->data, kSlot};
    if (buffers_) iovecs_[i][1] = {rests_[i]->bytes, BigBuffers::kSize};
    header.msg_iov = iovecs_[i].data();
    header.msg_iovlen = buffers_ ? 2 : 1;
    header.msg_control = joined_ ? controls_[i].bytes.data() : nullptr;
    header.msg_controllen = joined_ ? controls_[i].bytes.size() : 0;
  }
  return wanted;
}

// Message `i` becomes whole_.
void UdpReceiver::accept(size_t i, PartnerStats& stats) {
  const uint32_t bytes = headers_[i].msg_len;
  msghdr& header = headers_[i].msg_hdr;
  segment_ = std::min(segment_of(header), bytes);
  if (bytes == 0 || (header.msg_flags & MSG_TRUNC) != 0 || segment_ > largest_) {
    stats.drops.add(bytes == 0 ? DropReason::kTooShort : DropReason::kTooBig);
    return;  // the slot waits for another datagram
  }
  slots_[i]->length = std::min(bytes, kSlot);
  if (bytes > kSlot && !add_rest(i, bytes - kSlot)) {
    stats.drops.add(DropReason::kPoolExhausted, (bytes + segment_ - 1) / segment_);
    slots_[i].reset();
    return;
  }
  whole_ = std::move(slots_[i]);
  total_ = bytes;
  offset_ = 0;
}

// Chains what lies in the big buffer of message `i` to its slot.
bool UdpReceiver::add_rest(size_t i, uint32_t bytes) {
  Packet& first = *slots_[i];
  BigBuffers::Buffer* fresh = buffers_->take();
  if (fresh == nullptr) return copy_rest(first, rests_[i]->bytes, bytes);
  PacketPtr rest = pool_.attach(*rests_[i], rests_[i]->bytes, bytes);
  if (!rest) {
    buffers_->give(fresh);
    return false;
  }
  rests_[i] = fresh;
  first.next = rest.release();
  first.segs = 2;
  return true;
}

// Packets keep all the other buffers: this one must stay, so its bytes move.
bool UdpReceiver::copy_rest(Packet& first, const uint8_t* from, uint32_t bytes) {
  PacketPtr rest = pool_.copy({from, bytes});
  if (!rest) return false;
  first.segs = uint16_t(1 + rest->segs);
  first.next = rest.release();
  return true;
}

// Bytes of each datagram in a message that UDP_GRO joined; else UINT32_MAX.
uint32_t UdpReceiver::segment_of(msghdr& header) const {
  if (!joined_) return UINT32_MAX;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(c), sizeof size);
    if (size > 0) return uint32_t(size);
  }
  return UINT32_MAX;
}

// REQUIRES: whole_.  Empty when the pool is exhausted: the rest of whole_ is dropped.
PacketPtr UdpReceiver::next_segment(PartnerStats& stats) {
  if (offset_ == 0 && segment_ == total_) return std::move(whole_);
  const uint32_t bytes = std::min(segment_, total_ - offset_);
  PacketPtr p = pool_.overlay(*whole_, offset_, bytes);
  if (!p) {
    stats.drops.add(DropReason::kPoolExhausted, (total_ - offset_ + segment_ - 1) / segment_);
    whole_.reset();
    return p;
  }
  // A segment may begin in the slot's last bytes.  Its headers must lie in one piece.
  if (p->length < std::min(bytes, kHeaders)) pool_.unshare_front(p, std::min(bytes, kHeaders));
  offset_ += bytes;
  if (offset_ == total_) whole_.reset();
  return p;
}

}  // namespace weft
