// SPDX-License-Identifier: Apache-2.0
#include "routes/kernel.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace weft {

namespace {

constexpr int kReadsOfChanges = 64;  // datagrams per service()
constexpr int kReadsOfDumps = 2;     // each up to 32 KB: some 500 routes
constexpr uint64_t kFirstPauseNs = 100'000'000;
constexpr uint64_t kLongestPauseNs = 10'000'000'000;

constexpr int kGroups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                           RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH,       RTNLGRP_NEXTHOP};

Error netlink_error(const char* what, int code) {
  return {code == -NLE_PERM ? Code::kPermission : Code::kIo, std::string(what) + ": " + nl_geterror(code)};
}

bool is_route(KernelTable table) { return table == KernelTable::kRoutes4 || table == KernelTable::kRoutes6; }

}  // namespace

size_t Kernel::RouteIdHash::operator()(const RouteId& id) const noexcept {
  const std::string_view bytes(reinterpret_cast<const char*>(id.prefix.address.data()), 16);
  return std::hash<std::string_view>()(bytes) ^ (uint64_t(id.metric) << 16 | uint64_t(id.prefix.length) << 8 |
                                                 uint64_t(id.prefix.family) << 1 | id.local) *
                                                    0x9e3779b97f4a7c15u;
}

// --- sockets -----------------------------------------------------------------

Result<Kernel::Socket> Kernel::connect() {
  Socket socket(nl_socket_alloc());
  if (!socket) return Error{Code::kNoMemory, "netlink socket: out of memory"};
  if (const int e = nl_connect(socket.get(), NETLINK_ROUTE); e < 0) return netlink_error("netlink socket", e);
  nl_socket_disable_auto_ack(socket.get());
  if (const int e = nl_socket_set_nonblocking(socket.get()); e < 0) return netlink_error("netlink socket", e);
  return socket;
}

Result<void> Kernel::subscribe(size_t buffer_bytes) {
  for (const int group : kGroups) {
    if (const int e = nl_socket_add_membership(changes_.get(), group); e < 0) {
      return netlink_error("subscribe to the kernel's changes", e);
    }
  }
  const int fd = nl_socket_get_fd(changes_.get());
  const int bytes = int(std::min<size_t>(buffer_bytes, 1u << 30));
  // Past net.core.rmem_max only for CAP_NET_ADMIN; without it, what the system allows.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  return {};
}

Result<std::unique_ptr<Kernel>> Kernel::open(KernelListener& listener, Clock& clock, size_t buffer_bytes) {
  std::unique_ptr<Kernel> kernel(new Kernel(listener, clock));
  kernel->pause_ns_ = kFirstPauseNs;
  for (Socket* socket : {&kernel->changes_, &kernel->dumps_, &kernel->questions_}) {
    auto connected = connect();
    if (!connected) return connected.error();
    *socket = std::move(*connected);
  }
  if (auto subscribed = kernel->subscribe(buffer_bytes); !subscribed) return subscribed.error();
  kernel->epoll_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
  for (const Socket* socket : {&kernel->changes_, &kernel->dumps_, &kernel->questions_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(kernel->epoll_.get(), EPOLL_CTL_ADD, nl_socket_get_fd(socket->get()), &event) != 0) {
      return system_error("watch the kernel's changes", errno);
    }
  }
  return kernel;
}

Kernel::Got Kernel::receive(nl_sock* socket, size_t& length) {
  for (;;) {
    sockaddr_nl from{};
    iovec bytes{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    const ssize_t n = ::recvmsg(nl_socket_get_fd(socket), &message, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == ENOBUFS ? Got::kOverrun : Got::kNothing;
    if (from.nl_pid != 0) continue;  // not from the kernel: any process may send here
    if ((message.msg_flags & MSG_TRUNC) != 0) return Got::kOverrun;
    length = size_t(n);
    return Got::kSome;
  }
}

void Kernel::service() {
  read_changes();
  read_dump();
  drain_answers();
  if (!dumping_ && clock_.now_ns() >= retry_ns_) start_next_dump();
}

// --- changes -----------------------------------------------------------------

void Kernel::read_changes() {
  for (int reads = 0; reads < kReadsOfChanges; ++reads) {
    size_t length = 0;
    const Got got = receive(changes_.get(), length);
    if (got == Got::kNothing) return;
    if (got == Got::kOverrun) {
      ++stats_.overruns;
      resync_all();
      continue;
    }
    int left = int(length);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer_.data()); nlmsg_ok(m, left); m = nlmsg_next(m, &left)) {
      ++stats_.changes;
      on_change(m);
    }
  }
}

void Kernel::on_change(const nlmsghdr* message) {
  switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      if (dumping(KernelTable::kLinks)) interrupted_ = true;
      break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      if (dumping(KernelTable::kAddresses)) interrupted_ = true;
      // With an IPv4 address go routes that nobody speaks of.
      if (message->nlmsg_type == RTM_DELADDR) resync(KernelTable::kRoutes4);
      break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      if (dumping(KernelTable::kNeighbours)) interrupted_ = true;
      break;
    case RTM_DELNEXTHOP:  // nor of those that named a next hop object
      resync(KernelTable::kRoutes4);
      resync(KernelTable::kRoutes6);
      return;
    default:
      break;
  }
  say(message, false);
}

void Kernel::say(const nlmsghdr* message, bool dumped) {
  switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      if (LinkMessage link; parse(message, link)) listener_.link_said(link);
      return;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      if (AddressMessage address; parse(message, address)) listener_.address_said(address);
      return;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      if (NeighbourMessage neighbour; parse(message, neighbour)) {
        remember(neighbour);
        listener_.neighbour_said(neighbour);
      }
      return;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      break;
    default:
      return;
  }
  if (!parse(message, route_)) return;
  if (dumping_ && is_route(*dumping_)) {
    const RouteId id{route_.prefix, route_.metric, route_.local};
    if (dumped && changed_.contains(id)) return;
    if (!dumped) changed_.insert(id);
  }
  listener_.route_said(route_, dumped);
}

// --- dumps -------------------------------------------------------------------

void Kernel::resync(KernelTable table) {
  if (std::find(wanted_.begin(), wanted_.end(), table) == wanted_.end()) wanted_.push_back(table);
  if (!dumping_ && retry_ns_ == UINT64_MAX) retry_ns_ = 0;
}

void Kernel::resync_all() {
  for (size_t t = 0; t < kKernelTables; ++t) resync(KernelTable(t));
}

void Kernel::start_next_dump() {
  retry_ns_ = UINT64_MAX;
  if (wanted_.empty()) return;
  const KernelTable table = wanted_.front();
  union {
    rtgenmsg general;
    ifinfomsg link;
    ifaddrmsg address;
    rtmsg route;
    ndmsg neighbour;
  } request{};
  size_t length = 0;
  int type = 0;
  switch (table) {
    case KernelTable::kLinks:
      type = RTM_GETLINK, length = sizeof request.link;
      break;
    case KernelTable::kAddresses:
      type = RTM_GETADDR, length = sizeof request.address;
      break;
    case KernelTable::kRoutes4:
      type = RTM_GETROUTE, length = sizeof request.route;
      break;
    case KernelTable::kRoutes6:
      type = RTM_GETROUTE, length = sizeof request.route;
      break;
    case KernelTable::kNeighbours:
      neighbours_.clear();
      type = RTM_GETNEIGH, length = sizeof request.neighbour;
      break;
  }
  request.general.rtgen_family = table == KernelTable::kRoutes4   ? AF_INET
                                 : table == KernelTable::kRoutes6 ? AF_INET6
                                                                  : AF_UNSPEC;
  dump_seq_ = nl_socket_use_seq(dumps_.get());
  std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message(nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_DUMP),
                                                         &nlmsg_free);
  if (!message || nlmsg_append(message.get(), &request, length, NLMSG_ALIGNTO) < 0) return;
  nlmsg_hdr(message.get())->nlmsg_seq = dump_seq_;
  nlmsg_hdr(message.get())->nlmsg_pid = nl_socket_get_local_port(dumps_.get());
  if (nl_send(dumps_.get(), message.get()) < 0) {
    retry_ns_ = clock_.now_ns() + kFirstPauseNs;  // the kernel is short of memory
    return;
  }
  wanted_.pop_front();
  dumping_ = table;
  interrupted_ = false;
  changed_.clear();
  ++stats_.dumps;
  listener_.dump_begins(table);
}

void Kernel::read_dump() {
  for (int reads = 0; reads < kReadsOfDumps; ++reads) {
    size_t length = 0;
    const Got got = receive(dumps_.get(), length);
    if (got == Got::kNothing) return;
    if (got == Got::kOverrun) {
      interrupted_ = true;
      continue;
    }
    int left = int(length);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer_.data()); nlmsg_ok(m, left); m = nlmsg_next(m, &left)) {
      if (dumping_ && m->nlmsg_seq == dump_seq_) on_dumped(m);
    }
  }
}

void Kernel::on_dumped(const nlmsghdr* message) {
  if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
  if (message->nlmsg_type == NLMSG_ERROR) {
    end_dump(false);
  } else if (message->nlmsg_type == NLMSG_DONE) {
    int32_t status = 0;
    if (nlmsg_datalen(message) >= int(sizeof status)) {
      status = *static_cast<const int32_t*>(nlmsg_data(const_cast<nlmsghdr*>(message)));
    }
    end_dump(status == 0 && !interrupted_);
  } else {
    ++stats_.dumped;
    say(message, true);
  }
}

// A dump that may miss something proves nothing to be gone: it is repeated, a little
// later, because whatever disturbed it may go on.
void Kernel::end_dump(bool whole) {
  const KernelTable table = *std::exchange(dumping_, std::nullopt);
  changed_.clear();
  retry_ns_ = 0;
  if (whole) {
    pause_ns_ = kFirstPauseNs;
    listener_.dump_ends(table);
  } else {
    resync(table);
    retry_ns_ = clock_.now_ns() + pause_ns_;
    pause_ns_ = std::min(2 * pause_ns_, kLongestPauseNs);
  }
  if (clock_.now_ns() >= retry_ns_) start_next_dump();
}

// --- neighbours --------------------------------------------------------------

void Kernel::remember(const NeighbourMessage& neighbour) {
  const std::tuple who(neighbour.ifindex, neighbour.family, neighbour.address);
  if (neighbour.state == NeighbourMessage::kGone) {
    neighbours_.erase(who);
  } else {
    neighbours_[who] = neighbour.permanent;
  }
}

void Kernel::use_neighbour(int ifindex, uint8_t family, const Address& address) {
  const auto known = neighbours_.find({ifindex, family, address});
  if (known != neighbours_.end() && known->second) return;
  // One that was not heard of may exist all the same, and be permanent: it is only made.
  const int only_make = known == neighbours_.end() ? NLM_F_EXCL : 0;
  std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message(
      nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE | only_make), &nlmsg_free);
  ndmsg header{};
  header.ndm_family = family == 4 ? AF_INET : AF_INET6;
  header.ndm_ifindex = ifindex;
  header.ndm_state = NUD_NONE;
  header.ndm_flags = NTF_USE;
  if (!message || nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO) < 0 ||
      nla_put(message.get(), NDA_DST, family == 4 ? 4 : 16, address.data()) < 0) {
    return;
  }
  // When it fails no answer comes, and the neighbour is given up in time.
  nl_complete_msg(questions_.get(), message.get());
  nl_send(questions_.get(), message.get());
}

void Kernel::drain_answers() {
  size_t length = 0;
  while (receive(questions_.get(), length) == Got::kSome) {
  }
}

}  // namespace weft
