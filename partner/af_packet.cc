// SPDX-License-Identifier: Apache-2.0
#include "partner/af_packet.h"

#include <linux/if_ether.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"

namespace weft {

namespace {

// Frames fetched ahead: as many as the kernel writes while one is looked at.
constexpr uint32_t kPrefetch = 4;

// Empty pulls after which quiet() looks for what keeps the socket readable.
constexpr uint32_t kQuietAfter = 64;

// Super-packets that may wait beside the ring, and packets on their way out: about
// as much as a TCP connection keeps in flight.
constexpr int kSocketBuffer = 16 << 20;

constexpr uint32_t kVlanTag = 4;

template <typename T>
bool set_option(int socket, int level, int name, const T& value) {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

// Beyond net.core.*mem_max where permitted.
void set_buffer(int socket, int forced, int plain) {
  if (!set_option(socket, SOL_SOCKET, forced, kSocketBuffer)) {
    set_option(socket, SOL_SOCKET, plain, kSocketBuffer);
  }
}

// The kernel keeps the outermost tag apart from the bytes: puts it back (IEEE 802.1Q, 9.3).
// REQUIRES: headroom() >= kVlanTag, length >= 12
void restore_tag(Packet& p, uint16_t tpid, uint16_t tci) {
  uint8_t* front = p.push(kVlanTag);
  std::memmove(front, front + kVlanTag, 12);
  store_be16(front + 12, tpid);
  store_be16(front + 14, tci);
  if (p.flags & Packet::kOffload) p.offload().pushed(kVlanTag);
}

uint16_t tpid_of(const tpacket2_hdr& header) {
  return (header.tp_status & TP_STATUS_VLAN_TPID_VALID) ? header.tp_vlan_tpid : uint16_t{ETH_P_8021Q};
}

// A tag without a VLAN says how urgent a frame is, which is otherwise as without a tag (IEEE
// 802.1Q, 6.9.1).  It stays away, as it does for the kernel.
bool names_vlan(uint32_t status, uint16_t tpid, uint16_t tci) {
  constexpr uint16_t kVlanId = 0x0fff;
  return (status & TP_STATUS_VLAN_VALID) && (tpid != ETH_P_8021Q || (tci & kVlanId) != 0);
}

uint64_t timestamp_of(const tpacket2_hdr& header) {
  return uint64_t{header.tp_sec} * 1'000'000'000 + header.tp_nsec;
}

bool outgoing(const tpacket2_hdr& header) {
  const auto* at = reinterpret_cast<const uint8_t*>(&header) + TPACKET_ALIGN(sizeof(tpacket2_hdr));
  const uint8_t type = reinterpret_cast<const sockaddr_ll*>(at)->sll_pkttype;
  return type == PACKET_OUTGOING || type == PACKET_LOOPBACK;
}

}  // namespace

// ---- opening ----

AfPacket::AfPacket(Options options, Pool& pool)
    : options_(std::move(options)), pool_(pool), batch_(std::make_unique<Batch>()) {
  std::fill(batch_->messages.begin(), batch_->messages.end(), mmsghdr{});
}

AfPacket::~AfPacket() = default;

Result<std::unique_ptr<AfPacket>> AfPacket::create(Options options, Pool& pool, Clock&) {
  if (options.ring_frames < 64 || options.ring_frames > 65536) {
    return Error{Code::kInvalid, "af_packet " + options.interface + ": a ring has 64 to 65536 frames, not " +
                                     std::to_string(options.ring_frames)};
  }
  return std::unique_ptr<AfPacket>(new AfPacket(std::move(options), pool));
}

Error AfPacket::failed(Error error) const {
  return {error.code, "af_packet " + options_.interface + ": " + std::move(error.sentence)};
}

Result<Opening> AfPacket::open(std::string_view spec, Partner*, Opening) {
  if (!spec.empty()) return failed({Code::kInvalid, "takes no spec, not '" + std::string(spec) + "'"});
  if (opening_ != kNoOpening) return failed({Code::kBusy, "is open already"});
  auto device = find_device();
  if (!device) return failed(device.error());
  Result<void> done = set_up_socket();
  if (done) done = bind_to(*device);
  if (!done) {
    ring_.reset();
    socket_.reset();
    return failed(done.error());
  }
  device_ = std::move(*device);
  opening_ = Opening{openings_++};
  return opening_;
}

Result<Netdev> AfPacket::find_device() const {
  auto device = Netdev::find(options_.interface);
  if (!device) return device;
  const uint16_t type = device->hardware_type();
  if (type != ARPHRD_ETHER && type != ARPHRD_LOOPBACK) {
    return Error{Code::kUnsupported, "not an Ethernet interface"};
  }
  return device;
}

// The socket, its ring and what lies in it outlive an interface (packet(7)): a new one of that
// name is bound to instead.
Result<void> AfPacket::refresh() {
  if (!device_.name().empty()) return {};
  auto device = find_device();
  if (!device) return device.error();
  if (auto bound = bind_to(*device); !bound) return bound;
  device_ = std::move(*device);
  return {};
}

// Everything that the kernel allows only before packets can arrive.
Result<void> AfPacket::set_up_socket() {
  socket_ = OwnedFd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) {
    if (errno == EPERM || errno == EACCES) return Error{Code::kPermission, "needs CAP_NET_RAW"};
    return system_error("no packet socket", errno);
  }
  const int fd = socket_.get();
  if (!set_option(fd, SOL_PACKET, PACKET_VERSION, int{TPACKET_V2})) {
    return system_error("no TPACKET_V2", errno);
  }
  reason_.clear();
  vnet_ = options_.offload && set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
  if (!vnet_) {
    reason_ = options_.offload ? system_error("no PACKET_VNET_HDR", errno).sentence : "offload is off";
    reason_ += "; packets that a local host left unfinished are dropped";
  }
  // The kernel puts the frame's Ethernet header behind its own headers, 16 bytes
  // for a link header, this reserve, and the virtio-net header.
  const size_t before = TPACKET_ALIGN(TPACKET2_HDRLEN + 16) - ETH_HLEN + (vnet_ ? sizeof(VnetHeader) : 0);
  if (!set_option(fd, SOL_PACKET, PACKET_RESERVE, unsigned(PacketRing::kDataOffset - before))) {
    return system_error("no PACKET_RESERVE", errno);
  }
  set_option(fd, SOL_PACKET, PACKET_COPY_THRESH, 1);
  // No PACKET_QDISC_BYPASS: through a veth it gained nothing that could be measured, and it
  // would pass by the operator's tc rules, and tcpdump.
  set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);  // since Linux 4.20; outgoing() does it before
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  auto ring = PacketRing::create(fd, options_.ring_frames, pool_);
  if (!ring) return ring.error();
  ring_ = std::move(*ring);
  return {};
}

Result<void> AfPacket::bind_to(const Netdev& device) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = swap_be(uint16_t{ETH_P_ALL});
  address.sll_ifindex = device.index();
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return system_error("bind", errno);
  }
  if (!options_.promiscuous) return {};
  packet_mreq wish{};
  wish.mr_ifindex = device.index();
  wish.mr_type = PACKET_MR_PROMISC;
  if (!set_option(socket_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, wish)) {
    return system_error("not promiscuous", errno);
  }
  return {};
}

// Packets of the ring that still live elsewhere keep its memory; the interface is let go now.
void AfPacket::close(Opening which) {
  if (which != opening_ || opening_ == kNoOpening) return;
  read_kernel_drops();
  opening_ = kNoOpening;
  ring_.reset();
  socket_.reset();
  device_ = Netdev();
}

// ---- sending ----

void AfPacket::push(Opening which, Pvec& v) {
  if (which != opening_) return;
  bool retried = false;
  while (!v.empty()) {
    const size_t n = prepare(v);
    if (n == 0) {
      const bool unfinished = v[0]->flags & Packet::kOffload;
      drop(v.pop_front(), unfinished && !vnet_ ? DropReason::kPartnerRefused : DropReason::kTooBig,
           stats_.drops);
      continue;
    }
    const int sent = ::sendmmsg(socket_.get(), batch_->messages.data(), unsigned(n), MSG_DONTWAIT);
    if (sent < 0) {
      if (!settle_refusal(v, errno, retried)) break;
      continue;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < size_t(sent); ++i) {
      bytes += v[i]->segs == 1 ? v[i]->length : v[i]->total_length();
      Pool::free(v[i]);
    }
    v.release_front(size_t(sent));
    stats_.tx_packets.add(uint64_t(sent));
    stats_.tx_bytes.add(bytes);
  }
  if (!v.empty()) stats_.refused.add(v.size());
}

// Fills the batch with packets from the front of `v`; returns how many.  0 when the
// first one is of too many Segs, or unfinished where the kernel cannot finish it.
size_t AfPacket::prepare(const Pvec& v) {
  size_t n = 0;
  iovec* at = batch_->iovecs.data();
  const iovec* const end = at + batch_->iovecs.size();
  for (Packet* p : v) {
    if (size_t(end - at) < size_t{p->segs} + 1) break;
    if (!vnet_ && (p->flags & Packet::kOffload)) break;
    msghdr& message = batch_->messages[n].msg_hdr;
    message.msg_iov = at;
    if (vnet_) {
      at = gather(*p, batch_->headers[n], at);
    } else {
      for (const Packet* s = p; s != nullptr; s = s->next) *at++ = {s->data, s->length};
    }
    message.msg_iovlen = size_t(at - message.msg_iov);
    ++n;
  }
  return n;
}

// The kernel did not take the first packet of `v`.  True when the rest may go on.
bool AfPacket::settle_refusal(Pvec& v, int error, bool& retried) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case EINTR:
      return false;
    case ENETDOWN:
      // Also left over on the socket from when the link last went down: asked once more, it is gone.
      if (!std::exchange(retried, true)) return true;
      drop(v, DropReason::kPartnerDown, stats_.drops);
      return false;
    case ENXIO:
    case ENODEV:
      drop(v, DropReason::kPartnerDown, stats_.drops);
      return false;
    case EMSGSIZE:
      drop(v.pop_front(), DropReason::kTooBig, stats_.drops);
      return true;
    default:
      drop(v.pop_front(), DropReason::kDeviceError, stats_.drops);
      return true;
  }
}

// ---- receiving ----

void AfPacket::pull(Opening which, Pvec& v, size_t max) {
  if (which != opening_) return;
  std::array<Packet*, Pvec::kCapacity> packets;
  size_t n = 0, queued = 0, iovecs = 0;
  while (n < max) {
    tpacket2_hdr* header = ring_->front();
    if (header == nullptr) break;
    ring_->prefetch(kPrefetch);
    if (outgoing(*header)) {
      ring_->skip();
    } else if (header->tp_snaplen == header->tp_len) {
      PacketPtr p = take_frame(*header);
      if (p) {
        packets[n++] = p.release();
      } else if (ring_->front() == header) {
        break;  // no slot: it waits in the ring
      }
    } else if (header->tp_status & TP_STATUS_COPY) {
      PacketPtr p = prepare_read(*header, queued, iovecs);
      if (!p) break;
      queued_[queued++] = {n, header->tp_len, header->tp_status, header->tp_vlan_tci, tpid_of(*header)};
      packets[n++] = p.release();
      ring_->skip();
    } else {  // no room beside the ring
      stats_.drops.add(DropReason::kInQueueFull);
      ring_->skip();
    }
  }
  if (queued > 0) read_queued(packets, queued);
  uint64_t bytes = 0;
  size_t kept = 0;
  for (size_t i = 0; i < n; ++i) {
    if (packets[i] == nullptr) continue;
    bytes += packets[i]->segs == 1 ? packets[i]->length : packets[i]->total_length();
    packets[kept++] = packets[i];
  }
  if (n == 0) {
    if (++empty_pulls_ == kQuietAfter) quiet();
    return;
  }
  empty_pulls_ = 0;
  v.adopt({packets.data(), kept});
  stats_.rx_packets.add(kept);
  stats_.rx_bytes.add(bytes);
}

// Empty, and the frame still at the front, when there is no slot; empty, and the
// frame gone, when it was dropped.
PacketPtr AfPacket::take_frame(tpacket2_hdr& header) {
  PacketPtr p = ring_->take();
  if (!p) return p;
  p->timestamp = timestamp_of(header);
  VnetHeader vnet;
  std::memcpy(&vnet, p->data - sizeof vnet, sizeof vnet);
  return finish(std::move(p), vnet, header.tp_status, header.tp_vlan_tci, tpid_of(header));
}

// A chain of slots for the packet that waits beside the ring, as message
// `message` of the batch.  Empty when the pool, or the batch, has no room for it.
PacketPtr AfPacket::prepare_read(const tpacket2_hdr& header, size_t message, size_t& iovecs) {
  constexpr uint32_t kSlot = uint32_t{Packet::kRoom - Packet::kHeadroom};
  // A longer packet than any of the kernel's defaults (gso_max_size raised) is cut, and dropped for it.
  const size_t segs = std::min<size_t>(std::max<size_t>((header.tp_len + kSlot - 1) / kSlot, 1), kMaxSegs);
  if (iovecs + segs + 1 > batch_->iovecs.size() || pool_.available() < segs) return nullptr;
  msghdr& m = batch_->messages[message].msg_hdr;
  m.msg_iov = batch_->iovecs.data() + iovecs;
  if (vnet_) batch_->iovecs[iovecs++] = {&batch_->headers[message], sizeof(VnetHeader)};
  PacketPtr whole;
  Packet* last = nullptr;
  uint32_t left = header.tp_len;
  for (size_t i = 0; i < segs; ++i) {
    PacketPtr seg = pool_.alloc();
    seg->length = std::min(left, kSlot);
    left -= seg->length;
    batch_->iovecs[iovecs++] = {seg->data, seg->length};
    if (!whole) {
      whole = std::move(seg);
      last = whole.get();
    } else {
      last->next = seg.release();
      last = last->next;
    }
  }
  whole->segs = uint16_t(segs);
  whole->timestamp = timestamp_of(header);
  m.msg_iovlen = size_t(batch_->iovecs.data() + iovecs - m.msg_iov);
  return whole;
}

// Reads the packets that wait beside the ring.  The kernel queued each before it
// gave us its frame, so they are all there, in order.
void AfPacket::read_queued(std::array<Packet*, Pvec::kCapacity>& packets, size_t count) {
  size_t got = 0;
  for (int attempts = 0; got < count && attempts < 3;) {
    const int n = ::recvmmsg(socket_.get(), batch_->messages.data() + got, unsigned(count - got),
                             MSG_DONTWAIT, nullptr);
    if (n > 0) {
      got += size_t(n);
    } else {
      ++attempts;  // the socket first reports that the link went down
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const Queued& q = queued_[i];
    PacketPtr p(packets[q.index]);
    const size_t whole = q.length + (vnet_ ? sizeof(VnetHeader) : 0);
    if (i >= got || batch_->messages[i].msg_len != whole ||
        (batch_->messages[i].msg_hdr.msg_flags & MSG_TRUNC)) {
      drop(std::move(p), i < got ? DropReason::kTooBig : DropReason::kDeviceError, stats_.drops);
    } else {
      p = finish(std::move(p), batch_->headers[i], q.status, q.tci, q.tpid);
    }
    packets[q.index] = p.release();
  }
}

// Notes what the sender left undone, and puts a VLAN tag back.  Empty when dropped.
PacketPtr AfPacket::finish(PacketPtr p, const VnetHeader& vnet, uint32_t status, uint16_t tci,
                           uint16_t tpid) {
  if (!vnet_) {
    if (status & TP_STATUS_CSUMNOTREADY) {
      drop(std::move(p), DropReason::kBadChecksum, stats_.drops);
      return nullptr;
    }
  } else if (!vnet.complete()) {
    const uint32_t length = p->segs == 1 ? p->length : p->total_length();
    Offload offload;
    if (parse_vnet_header(vnet, {p->data, p->length}, length, Link::kEthernet, offload) !=
        VnetVerdict::kOffload) {
      drop(std::move(p), DropReason::kDeviceError, stats_.drops);
      return nullptr;
    }
    p->flags |= Packet::kOffload;
    p->offload() = offload;
  }
  if (names_vlan(status, tpid, tci) && p->length >= ETH_HLEN) restore_tag(*p, tpid, tci);
  return p;
}

// Nothing came for a while.  If a poll of the socket would not sleep all the same,
// it is for a packet that is still held, or for an error that waits to be read.
void AfPacket::quiet() {
  empty_pulls_ = 0;
  ring_->settle_last();
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
}

// ---- control ----

Result<Reply> AfPacket::control(Opening which, const Request& request) {
  if (which != opening_ || opening_ == kNoOpening) return failed({Code::kDead, "is not open"});
  if (std::holds_alternative<InfoRequest>(request)) return Reply{describe()};
  if (std::holds_alternative<StatsRequest>(request)) {
    read_kernel_drops();
    return Reply{&stats_};
  }
  if (std::get<TextRequest>(request).text != "refresh") {
    return failed({Code::kUnsupported, "knows no command but 'refresh'"});
  }
  if (auto refreshed = refresh(); !refreshed) return failed(refreshed.error());
  return Reply{device_.name()};
}

PartnerInfo AfPacket::describe() const {
  PartnerInfo info;
  info.driver = "af_packet";
  info.device = options_.interface;
  info.mode = vnet_ ? "TPACKET_V2 rx, sendmmsg tx, offload" : "TPACKET_V2 rx, sendmmsg tx";
  info.reason = reason_;
  info.link = Link::kEthernet;
  info.mac = device_.mac();
  info.mtu = device_.mtu();
  info.ifindex = device_.index();
  info.up = device_.up();
  info.offload = vnet_;
  info.poll_fd = socket_.get();
  return info;
}

// Reading resets the kernel's numbers.
void AfPacket::read_kernel_drops() {
  tpacket_stats kernel{};
  socklen_t size = sizeof kernel;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &kernel, &size) == 0 &&
      kernel.tp_drops > 0) {
    stats_.drops.add(DropReason::kInQueueFull, kernel.tp_drops);
  }
}

}  // namespace weft
