// SPDX-License-Identifier: Apache-2.0
#include "partner/netdev.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft {

Result<Netdev> Netdev::find(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return Error{Code::kInvalid, "an interface name has 1 to 15 characters"};
  }
  Netdev device;
  device.socket_ = OwnedFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!device.socket_) return system_error("socket", errno);
  ifreq request{};
  std::copy(name.begin(), name.end(), request.ifr_name);
  if (::ioctl(device.socket_.get(), SIOCGIFINDEX, &request) < 0) {
    if (errno == ENODEV) return Error{Code::kNotFound, "no such interface"};
    return system_error("SIOCGIFINDEX", errno);
  }
  device.index_ = request.ifr_ifindex;
  return device;
}

bool Netdev::ask(unsigned long what, ifreq& answer) const {
  if (!socket_) return false;
  answer = ifreq{};
  answer.ifr_ifindex = index_;
  return ::ioctl(socket_.get(), SIOCGIFNAME, &answer) == 0 &&
         (what == SIOCGIFNAME || ::ioctl(socket_.get(), what, &answer) == 0);
}

std::string Netdev::name() const {
  ifreq answer;
  if (!ask(SIOCGIFNAME, answer)) return {};
  return {answer.ifr_name, ::strnlen(answer.ifr_name, IFNAMSIZ)};
}

bool Netdev::up() const {
  ifreq answer;
  return ask(SIOCGIFFLAGS, answer) && (answer.ifr_flags & IFF_UP) && (answer.ifr_flags & IFF_RUNNING);
}

uint32_t Netdev::mtu() const {
  ifreq answer;
  return ask(SIOCGIFMTU, answer) ? uint32_t(answer.ifr_mtu) : 0;
}

MacAddress Netdev::mac() const {
  ifreq answer;
  MacAddress mac{};
  if (ask(SIOCGIFHWADDR, answer)) std::copy_n(answer.ifr_hwaddr.sa_data, mac.size(), mac.begin());
  return mac;
}

uint16_t Netdev::hardware_type() const {
  ifreq answer;
  return ask(SIOCGIFHWADDR, answer) ? answer.ifr_hwaddr.sa_family : uint16_t{ARPHRD_VOID};
}

Result<void> Netdev::set(unsigned long what, ifreq& wish, const char* verb) {
  const std::string present = name();
  std::fill(std::begin(wish.ifr_name), std::end(wish.ifr_name), '\0');
  std::copy(present.begin(), present.end(), wish.ifr_name);
  if (::ioctl(socket_.get(), what, &wish) == 0) return {};
  if (errno == EPERM) return Error{Code::kPermission, "needs CAP_NET_ADMIN"};
  return system_error(verb, errno);
}

Result<void> Netdev::set_up() {
  ifreq wish;
  if (!ask(SIOCGIFFLAGS, wish)) return system_error("cannot be brought up", errno);
  wish.ifr_flags |= IFF_UP;
  return set(SIOCSIFFLAGS, wish, "cannot be brought up");
}

Result<void> Netdev::set_mtu(uint32_t mtu) {
  ifreq wish{};
  wish.ifr_mtu = int(mtu);
  return set(SIOCSIFMTU, wish, ("mtu " + std::to_string(mtu)).c_str());
}

Result<void> Netdev::set_mac(const MacAddress& mac) {
  ifreq wish{};
  wish.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::copy(mac.begin(), mac.end(), wish.ifr_hwaddr.sa_data);
  return set(SIOCSIFHWADDR, wish, "mac");
}

}  // namespace weft
