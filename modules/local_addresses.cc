// SPDX-License-Identifier: Apache-2.0
#include "modules/local_addresses.h"

#include <algorithm>

namespace weft {

namespace {

// The bits behind the prefix of an IPv4 address that has a broadcast address; else 0.
uint32_t host_bits(const LocalAddress& a) {
  if (a.family != 4 || a.length > 30) return 0;
  return a.length == 0 ? 0xffffffffu : 0xffffffffu >> a.length;
}

}  // namespace

void LocalAddresses::set(std::vector<LocalAddress> addresses) {
  all_ = std::move(addresses);
  listed_.clear();
  perhaps_listed_ = {};
  for (const LocalAddress& a : all_) list(a);
  std::sort(listed_.begin(), listed_.end());
}

void LocalAddresses::add(const LocalAddress& address) {
  std::vector<LocalAddress> more = all_;
  more.push_back(address);
  set(std::move(more));
}

void LocalAddresses::list(const LocalAddress& a) {
  if (a.family != 4) return;
  const auto put = [this](uint32_t address) {
    perhaps_listed_[fold(swap_be(address))] = 1;
    listed_.push_back(address);
  };
  const uint32_t own = load_be32(a.address.data());
  put(own);
  if (const uint32_t host = host_bits(a); host != 0) {
    put(own | host);
    put(own & ~host);
  }
}

bool LocalAddresses::is_listed(uint32_t address) const {
  return std::binary_search(listed_.begin(), listed_.end(), address);
}

bool LocalAddresses::is_directed_broadcast(uint32_t address) const {
  return std::any_of(all_.begin(), all_.end(), [&](const LocalAddress& a) {
    const uint32_t host = host_bits(a);
    if (host == 0) return false;
    const uint32_t own = load_be32(a.address.data());
    return address == (own | host) || address == (own & ~host);
  });
}

}  // namespace weft
