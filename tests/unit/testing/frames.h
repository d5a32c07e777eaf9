// SPDX-License-Identifier: Apache-2.0
// Bytes in packets, and frames on an interface, for the tests of drivers.
#pragma once

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/owned_fd.h"
#include "partner/pool.h"

namespace weft::testing {

using Bytes = std::vector<uint8_t>;

inline Bytes content(const Packet& p) {
  Bytes b;
  for (const Packet* s = &p; s != nullptr; s = s->next) b.insert(b.end(), s->data, s->data + s->length);
  return b;
}

// `bytes` as a chain of Segs of at most `seg` bytes.
inline PacketPtr chain(Pool& pool, std::span<const uint8_t> bytes, size_t seg) {
  PacketPtr whole = pool.copy(bytes.first(std::min(seg, bytes.size())));
  Packet* last = whole.get();
  for (size_t at = seg; at < bytes.size(); at += seg) {
    last->next = pool.copy(bytes.subspan(at, std::min(seg, bytes.size() - at))).release();
    last = last->next;
    ++whole->segs;
  }
  return whole;
}

constexpr uint16_t kOurs = 0x88b5;  // an EtherType for experiments: nobody else answers

// A broadcast frame of ours.  REQUIRES: size >= 18
inline Bytes frame_of(size_t size, uint32_t number) {
  Bytes b(size);
  std::iota(b.begin(), b.end(), uint8_t(number));
  std::fill_n(b.begin(), 6, 0xff);
  std::copy_n("\x02\0\0\0\0\x01", 6, b.begin() + 6);
  store_be16(&b[12], kOurs);
  store_be32(&b[14], number);
  return b;
}

// A socket for frames of ours that arrive at an interface of this thread's namespace.
inline OwnedFd packet_socket(const char* interface) {
  OwnedFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  const int large = 8 << 20;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = swap_be(kOurs);
  address.sll_ifindex = int(::if_nametoindex(interface));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0)
      << std::strerror(errno);
  return fd;
}

// The next frame; empty when there is none.
inline Bytes receive(const OwnedFd& socket) {
  Bytes b(70000);
  const ssize_t n = ::recv(socket.get(), b.data(), b.size(), MSG_DONTWAIT);
  b.resize(n < 0 ? 0 : size_t(n));
  return b;
}

}  // namespace weft::testing
