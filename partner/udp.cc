// SPDX-License-Identifier: Apache-2.0
#include "partner/udp.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <cerrno>

namespace weft {

namespace {

constexpr uint32_t kEthernetHeader = 18;  // with a VLAN tag
constexpr uint32_t kMaxDatagram = 65507;  // 65535 less the headers of IPv4 and UDP

uint32_t largest_datagram(const UdpPartner::Options& o) {
  return o.mtu + (o.link == Link::kEthernet ? kEthernetHeader : 0);
}

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// The privileged form first, which goes past the system's bound.
void set_buffers(int fd, uint32_t bytes) {
  if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, int(bytes))) set(fd, SOL_SOCKET, SO_RCVBUF, int(bytes));
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, int(bytes))) set(fd, SOL_SOCKET, SO_SNDBUF, int(bytes));
}

bool deafen(int fd) {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{.len = 1, .filter = &nothing};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

// Locally administered, and the same whenever the address is.
MacAddress mac_of(const std::string& address) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : address) hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  MacAddress mac{0x02};
  for (size_t i = 1; i < mac.size(); ++i) mac[i] = uint8_t(hash >> (8 * i));
  return mac;
}

}  // namespace

UdpPartner::Io::Io(int fd, const Options& o, Pool& pool, bool segment, bool join)
    : sender(fd, o.link, pool, segment), receiver(fd, pool, largest_datagram(o), join) {}

Result<std::unique_ptr<UdpPartner>> UdpPartner::create(const Options& o, Pool& pool) {
  const auto refuse = [&o](std::string_view sentence) {
    return Error{Code::kInvalid, fmt::format("udp {}: {}", o.local, sentence)};
  };
  const auto local = parse_udp_address(o.local);
  if (!local) return Error{Code::kInvalid, "udp: local " + local.error().sentence};
  if (o.remote.empty()) return refuse("a remote address is needed: a tunnel has one other end");
  const auto remote = parse_udp_address(o.remote);
  if (!remote) return refuse("remote " + remote.error().sentence);
  if (port_of(*remote) == 0) return refuse("the remote needs a port other than 0");
  if (local->family() != remote->family()) return refuse("local and remote must be both IPv4 or both IPv6");
  if (o.mtu < 68 || largest_datagram(o) > kMaxDatagram) return refuse("mtu must be 68 to 65489 bytes");
  return std::unique_ptr<UdpPartner>(new UdpPartner(o, *local, *remote, pool));
}

Result<Opening> UdpPartner::open(std::string_view, Partner*, Opening) {
  if (io_) return Error{Code::kBusy, fmt::format("udp {}: is open already", options_.local)};
  auto socket = connected_socket();
  if (!socket) return socket.error();
  socket_ = *std::move(socket);
  io_ = std::make_unique<Io>(socket_.get(), options_, pool_, segment_, join_);
  return Opening{0};
}

// Hears nobody before it is connected: else a stranger's datagram could come in between.
Result<OwnedFd> UdpPartner::connected_socket() {
  const std::string name = "udp " + options_.local;
  OwnedFd fd(::socket(local_.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !deafen(fd.get())) return system_error(name, errno);
  if (local_.family() == AF_INET6) set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_buffers(fd.get(), options_.socket_buffer);
  if (::bind(fd.get(), local_.get(), local_.length) != 0) return system_error(name, errno);
  if (::connect(fd.get(), remote_.get(), remote_.length) != 0) {
    return system_error(fmt::format("{} -> {}", name, options_.remote), errno);
  }
  bound_ = local_;
  ::getsockname(fd.get(), bound_.get(), &bound_.length);
  segment_ = options_.segments && set(fd.get(), SOL_UDP, UDP_SEGMENT, 0);
  join_ = options_.segments && set(fd.get(), SOL_UDP, UDP_GRO, 1);
  set(fd.get(), SOL_SOCKET, SO_DETACH_FILTER, 0);
  return fd;
}

void UdpPartner::close(Opening) {
  io_.reset();
  socket_.reset();
}

void UdpPartner::push(Opening, Pvec& v) { io_->sender.push(v, io_->stats); }

void UdpPartner::pull(Opening, Pvec& v, size_t max) { io_->receiver.pull(v, max, io_->stats); }

PartnerInfo UdpPartner::info_now() const {
  PartnerInfo info;
  info.driver = "udp";
  info.device = fmt::format("{} -> {}", to_text(bound_), to_text(remote_));
  info.mode = fmt::format("recvmmsg{}, sendmmsg{}", join_ ? " with UDP_GRO" : "",
                          io_->sender.segment_limit() > 0 ? " with UDP_SEGMENT" : "");
  if (!options_.segments) {
    info.reason = "UDP_SEGMENT and UDP_GRO are switched off";
  } else if (!segment_ || !join_) {
    info.reason = fmt::format("this kernel has no {}", segment_ ? "UDP_GRO" : "UDP_SEGMENT");
  } else if (io_->sender.segment_limit() < largest_datagram(options_)) {
    info.reason = fmt::format("UDP_SEGMENT only up to {} bytes: the system refused it above",
                              io_->sender.segment_limit());
  }
  info.link = options_.link;
  if (options_.link == Link::kEthernet) info.mac = mac_of(to_text(bound_));
  info.mtu = options_.mtu;
  info.owns_address = true;
  info.poll_fd = socket_.get();
  return info;
}

Result<Reply> UdpPartner::control(Opening, const Request& request) {
  if (!io_) return Error{Code::kDead, fmt::format("udp {}: that opening is closed", options_.local)};
  if (std::holds_alternative<InfoRequest>(request)) return Reply{info_now()};
  if (std::holds_alternative<StatsRequest>(request)) return Reply{&io_->stats};
  return Error{Code::kUnsupported, fmt::format("udp {}: it knows no request '{}'", options_.local,
                                               std::get<TextRequest>(request).text)};
}

}  // namespace weft
