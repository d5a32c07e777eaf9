// SPDX-License-Identifier: Apache-2.0
// Netdev: a network interface of the kernel, asked and set by ioctl.
//
// Remembers the interface by index, so a rename does not lose it, and the
// network namespace that it was found in.
//
// Threads: the control thread.
#pragma once

#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "partner/partner.h"

struct ifreq;

namespace weft {

class Netdev {
 public:
  Netdev() = default;  // of nothing: down() and zero in all answers

  // The interface `name` of the calling thread's network namespace.
  // Errors: kInvalid (not a possible name), kNotFound ("no such interface"), kIo.
  // Sentences do not name the interface: the caller puts its own name in front.
  static Result<Netdev> find(const std::string& name);

  int index() const { return index_; }
  std::string name() const;  // the present one; empty when the interface is gone
  bool up() const;           // administratively up, and with carrier
  uint32_t mtu() const;
  MacAddress mac() const;
  uint16_t hardware_type() const;  // ARPHRD_*

  // Errors: kPermission ("needs CAP_NET_ADMIN"), kIo (with the kernel's reason).
  Result<void> set_up();
  Result<void> set_mtu(uint32_t mtu);
  Result<void> set_mac(const MacAddress& mac);

 private:
  bool ask(unsigned long what, ifreq& answer) const;
  Result<void> set(unsigned long what, ifreq& wish, const char* verb);

  OwnedFd socket_;  // any socket of the namespace
  int index_ = 0;
};

}  // namespace weft
