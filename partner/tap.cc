// SPDX-License-Identifier: Apache-2.0
#include "partner/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <thread>

namespace weft {

namespace {

constexpr uint32_t kSlot = uint32_t{Packet::kRoom - Packet::kHeadroom};

// Since Linux 6.2; the kernel wants both or none.
constexpr unsigned kTunUso4 = 0x20;
constexpr unsigned kTunUso6 = 0x40;

// Runs `f` in a thread of network namespace `where`: the caller's own stays what it is.
template <typename F>
Result<void> run_in_netns(const std::string& where, F f) {
  const std::string path = where.find('/') == std::string::npos ? "/run/netns/" + where : where;
  OwnedFd netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns) return system_error("network namespace " + where, errno);
  Result<void> done;
  std::thread([&] {
    if (::setns(netns.get(), CLONE_NEWNET) != 0) {
      done = errno == EPERM ? Error{Code::kPermission, "network namespace " + where + ": needs CAP_SYS_ADMIN"}
                            : system_error("network namespace " + where, errno);
    } else {
      done = f();
    }
  }).join();
  return done;
}

// A locally administered unicast address: always the same for this name on this machine.
MacAddress stable_mac(const std::string& name) {
  std::string machine;
  std::getline(std::ifstream("/etc/machine-id"), machine);
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : machine + "/" + name) hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  MacAddress mac;
  for (size_t i = 0; i < mac.size(); ++i) mac[i] = uint8_t(hash >> (8 * i));
  mac[0] = uint8_t((mac[0] & 0xfc) | 0x02);
  return mac;
}

}  // namespace

// ---- opening ----

Result<std::unique_ptr<TapPartner>> TapPartner::create(Options options, Pool& pool, Clock&) {
  std::unique_ptr<TapPartner> tap(new TapPartner(std::move(options), pool));
  const Options& o = tap->options_;
  if (o.name.empty() || o.name.size() >= IFNAMSIZ || o.name.find('%') != std::string::npos) {
    return tap->failed({Code::kInvalid, "an interface name has 1 to 15 characters and no '%'"});
  }
  if (o.mtu != 0 && (o.mtu < 68 || o.mtu > 65521)) {  // RFC 791; what fits 64 KB with a tagged header
    return tap->failed({Code::kInvalid, "an mtu is 68 to 65521, not " + std::to_string(o.mtu)});
  }
  if (o.tun && (o.mac || o.kernel_mac)) {
    return tap->failed({Code::kInvalid, "a link of bare IP packets has no MAC addresses"});
  }
  for (const auto& mac : {o.mac, o.kernel_mac}) {
    if (mac && ((*mac)[0] & 1)) return tap->failed({Code::kInvalid, "its MAC address is a group's"});
  }
  if (o.mac && o.mac == o.kernel_mac) {
    return tap->failed({Code::kInvalid, "the node's MAC address must not be the kernel's"});
  }
  if (!o.tun) tap->mac_ = o.mac.value_or(stable_mac(o.name));
  return tap;
}

TapPartner::~TapPartner() = default;

Error TapPartner::failed(Error error) const {
  return {error.code, (options_.tun ? "tun " : "tap ") + options_.name + ": " + std::move(error.sentence)};
}

Result<Opening> TapPartner::open(std::string_view spec, Partner*, Opening) {
  if (!spec.empty()) return failed({Code::kInvalid, "takes no spec, not '" + std::string(spec) + "'"});
  if (opening_ != kNoOpening) return failed({Code::kBusy, "is open already"});
  const auto made = options_.netns.empty()
                        ? make_interface()
                        : run_in_netns(options_.netns, [this] { return make_interface(); });
  if (!made) {
    fd_.reset();
    return failed(made.error());
  }
  gone_ = false;
  opening_ = Opening{openings_++};
  return opening_;
}

Result<void> TapPartner::make_interface() {
  auto done = attach();
  if (!done) return done;
  ask_for_offload();
  return configure();
}

Result<void> TapPartner::attach() {
  fd_ = OwnedFd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd_) return system_error("/dev/net/tun", errno);
  ifreq wish{};
  std::copy(options_.name.begin(), options_.name.end(), wish.ifr_name);
  wish.ifr_flags = short((options_.tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI | IFF_VNET_HDR);
  if (::ioctl(fd_.get(), TUNSETIFF, &wish) < 0) {
    switch (errno) {
      case EPERM:
        return Error{Code::kPermission, "needs CAP_NET_ADMIN"};
      case EBUSY:
        return Error{Code::kBusy, "in use by another program"};
      case EINVAL:
        return Error{Code::kInvalid, "an interface of another kind has this name"};
      default:
        return system_error("TUNSETIFF", errno);
    }
  }
  if (::ioctl(fd_.get(), TUNSETPERSIST, options_.persist ? 1 : 0) < 0) {
    return system_error("TUNSETPERSIST", errno);
  }
  return {};
}

// What the kernel may leave to us.  What we leave to it, it always takes.
void TapPartner::ask_for_offload() {
  const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  reason_.clear();
  offload_ = options_.offload;
  if (!offload_) {
    ::ioctl(fd_.get(), TUNSETOFFLOAD, 0);
    reason_ = "offload is off";
  } else if (::ioctl(fd_.get(), TUNSETOFFLOAD, tcp | kTunUso4 | kTunUso6) < 0) {
    reason_ = "the kernel cuts UDP itself";
    if (::ioctl(fd_.get(), TUNSETOFFLOAD, tcp) < 0) {
      offload_ = false;
      reason_ = system_error("TUNSETOFFLOAD", errno).sentence;
    }
  }
}

Result<void> TapPartner::configure() {
  auto device = Netdev::find(options_.name);
  if (!device) return device.error();
  device_ = std::move(*device);
  Result<void> done;
  if (options_.kernel_mac) done = device_.set_mac(*options_.kernel_mac);
  if (done && options_.mtu != 0) done = device_.set_mtu(options_.mtu);
  if (done && options_.up) done = device_.set_up();
  mtu_ = device_.mtu();
  return done;
}

void TapPartner::close(Opening which) {
  if (which != opening_ || opening_ == kNoOpening) return;
  opening_ = kNoOpening;
  fd_.reset();
  device_ = Netdev();
}

// ---- to the kernel ----

void TapPartner::push(Opening which, Pvec& v) {
  if (which != opening_) return;
  if (gone_) drop(v, DropReason::kPartnerDown, stats_.drops);
  while (!v.empty() && write(v)) {
  }
  if (!v.empty()) stats_.refused.add(v.size());
}

// Writes or drops the first packet of `v`.  False when the kernel refuses for now.
bool TapPartner::write(Pvec& v) {
  Packet& p = *v[0];
  if (size_t{p.segs} + 1 > iovecs_.size()) {
    drop(v.pop_front(), DropReason::kTooBig, stats_.drops);
    return true;
  }
  if (options_.tun && (p.length == 0 || (p.data[0] >> 4 != 4 && p.data[0] >> 4 != 6))) {
    drop(v.pop_front(), DropReason::kUnknownProtocol, stats_.drops);
    return true;
  }
  VnetHeader spare;
  const iovec* end = gather(p, spare, iovecs_.data());
  if (::writev(fd_.get(), iovecs_.data(), int(end - iovecs_.data())) >= 0) {
    stats_.tx_packets.add(1);
    stats_.tx_bytes.add(p.total_length());
    v.pop_front().reset();
    return true;
  }
  switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case EINTR:
      return false;
    case EBADFD:
      lose_interface();
      [[fallthrough]];
    case EIO:  // the interface is down
      drop(v, DropReason::kPartnerDown, stats_.drops);
      return true;
    case EMSGSIZE:
      drop(v.pop_front(), DropReason::kTooBig, stats_.drops);
      return true;
    default:
      drop(v.pop_front(), DropReason::kDeviceError, stats_.drops);
      return true;
  }
}

// ---- from the kernel ----

// Each read is given slots for the longest packet; those that it leaves serve the next.
void TapPartner::pull(Opening which, Pvec& v, size_t max) {
  if (which != opening_ || gone_) return;
  std::array<Packet*, kMaxSegs> segs;
  size_t count = 0;
  uint64_t packets = 0, bytes = 0;
  for (size_t n = 0; n < max; ++n) {
    while (count < segs.size() && pool_.available() > 0) segs[count++] = pool_.alloc().release();
    if (count == 0) break;
    const ssize_t got = read(segs.data(), count);
    if (got < 0) break;
    const auto length = uint32_t(std::max<ssize_t>(got - ssize_t{sizeof(VnetHeader)}, 0));
    const size_t used = std::clamp<size_t>((length + kSlot - 1) / kSlot, 1, count);
    const bool whole = length < count * kSlot;  // tun does not say that it cut a packet
    PacketPtr p = accept(segs.data(), used, length, whole);
    count -= used;
    std::copy_n(segs.begin() + ptrdiff_t(used), count, segs.begin());
    if (!p) continue;
    ++packets;
    bytes += length;
    v.push_back(std::move(p));
  }
  for (size_t i = 0; i < count; ++i) Pool::free(segs[i]);
  if (packets == 0) return;
  stats_.rx_packets.add(packets);
  stats_.rx_bytes.add(bytes);
}

// One packet, its header in front of the first Seg's data.  Negative: there is none.
ssize_t TapPartner::read(Packet* const* segs, size_t count) {
  iovecs_[0] = {segs[0]->data - sizeof(VnetHeader), kSlot + sizeof(VnetHeader)};
  for (size_t i = 1; i < count; ++i) iovecs_[i] = {segs[i]->data, kSlot};
  const ssize_t got = ::readv(fd_.get(), iovecs_.data(), int(count));
  if (got < 0 && errno == EBADFD) lose_interface();
  return got;
}

PacketPtr TapPartner::chain(Packet* const* segs, size_t count, uint32_t length) {
  for (size_t i = 0; i < count; ++i) {
    segs[i]->length = std::min(length, kSlot);
    length -= segs[i]->length;
    segs[i]->next = i + 1 < count ? segs[i + 1] : nullptr;
  }
  segs[0]->segs = uint16_t(count);
  return PacketPtr(segs[0]);
}

// The packet that was read into `segs`; empty when it was dropped.
PacketPtr TapPartner::accept(Packet* const* segs, size_t count, uint32_t length, bool whole) {
  PacketPtr p = chain(segs, count, length);
  if (!whole) {
    drop(std::move(p), count < kMaxSegs ? DropReason::kPoolExhausted : DropReason::kTooBig, stats_.drops);
    return nullptr;
  }
  VnetHeader header;
  std::memcpy(&header, p->data - sizeof header, sizeof header);
  if (header.complete()) return p;
  Offload offload;
  if (parse_vnet_header(header, {p->data, p->length}, length, options_.tun ? Link::kRaw : Link::kEthernet,
                        offload) != VnetVerdict::kOffload) {
    drop(std::move(p), DropReason::kDeviceError, stats_.drops);
    return nullptr;
  }
  p->flags |= Packet::kOffload;
  p->offload() = offload;
  return p;
}

// A descriptor without its interface reports an error to every poll, and the
// worker would never sleep: puts a silent one in its place.
void TapPartner::lose_interface() {
  gone_ = true;
  const OwnedFd silent(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (silent) ::dup3(silent.get(), fd_.get(), O_CLOEXEC);
}

// ---- control ----

Result<Reply> TapPartner::control(Opening which, const Request& request) {
  if (which != opening_ || opening_ == kNoOpening) return failed({Code::kDead, "is not open"});
  if (std::holds_alternative<InfoRequest>(request)) return Reply{describe()};
  if (std::holds_alternative<StatsRequest>(request)) return Reply{&stats_};
  return failed({Code::kUnsupported, "knows no commands"});
}

PartnerInfo TapPartner::describe() const {
  PartnerInfo info;
  info.driver = options_.tun ? "tun" : "tap";
  info.device = options_.netns.empty() ? options_.name : options_.name + " in " + options_.netns;
  info.mode = offload_ ? "readv, writev, offload" : "readv, writev";
  // Moved to where its host lives, it goes on working, but answers no questions.
  const bool elsewhere = !gone_ && device_.name().empty();
  info.reason = elsewhere ? "in another network namespace; MTU as it was in this one" : reason_;
  info.link = options_.tun ? Link::kRaw : Link::kEthernet;
  info.mac = mac_;
  info.mtu = elsewhere ? mtu_ : device_.mtu();
  // An index means something in its own namespace only.
  info.ifindex = options_.netns.empty() ? device_.index() : 0;
  info.up = elsewhere || (!gone_ && device_.up());
  info.offload = true;
  info.owns_address = true;
  info.poll_fd = fd_.get();
  return info;
}

}  // namespace weft
