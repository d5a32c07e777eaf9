// SPDX-License-Identifier: Apache-2.0
// tcp_transfer(): one kernel sends a stream to another by TCP, and every byte is checked.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/testing/netns.h"

namespace weft::testing {

// `address` is one of `to`, IPv4 or IPv6.
inline void tcp_transfer(const Netns& from, const Netns& to, const std::string& address, size_t bytes) {
  sockaddr_storage where{};
  socklen_t size = sizeof(sockaddr_in);
  if (address.find(':') == std::string::npos) {
    auto& in = reinterpret_cast<sockaddr_in&>(where);
    in.sin_family = AF_INET;
    in.sin_port = htons(5001);
    ASSERT_EQ(::inet_pton(AF_INET, address.c_str(), &in.sin_addr), 1);
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(where);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(5001);
    size = sizeof(sockaddr_in6);
    ASSERT_EQ(::inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr), 1);
  }
  OwnedFd listener, sender;
  to.run([&] { listener = OwnedFd(::socket(where.ss_family, SOCK_STREAM, 0)); });
  from.run([&] { sender = OwnedFd(::socket(where.ss_family, SOCK_STREAM, 0)); });
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const timeval patience{20, 0};
  for (int fd : {listener.get(), sender.get()}) {
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&where), size), 0) << strerror(errno);
  ASSERT_EQ(::listen(listener.get(), 1), 0);

  // A stream in which no block is like another.
  auto fill = [](std::vector<uint32_t>& block, uint32_t& state) {
    for (uint32_t& word : block) word = state = state * 1664525 + 1013904223;
  };
  std::thread sending([&] {
    ASSERT_EQ(::connect(sender.get(), reinterpret_cast<sockaddr*>(&where), size), 0) << strerror(errno);
    std::vector<uint32_t> block(65536 / 4);
    uint32_t state = 1;
    for (size_t sent = 0; sent < bytes; sent += block.size() * 4) {
      fill(block, state);
      for (size_t at = 0; at < block.size() * 4;) {
        const ssize_t n = ::send(sender.get(), reinterpret_cast<char*>(block.data()) + at,
                                 block.size() * 4 - at, MSG_NOSIGNAL);
        ASSERT_GT(n, 0) << strerror(errno);
        at += size_t(n);
      }
    }
    ::shutdown(sender.get(), SHUT_WR);
  });
  OwnedFd receiver(::accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(receiver) << strerror(errno);
  std::vector<uint32_t> expected(65536 / 4), got(65536 / 4);
  uint32_t state = 1;
  size_t received = 0;
  while (receiver) {
    const ssize_t n = ::recv(receiver.get(), got.data(), got.size() * 4, MSG_WAITALL);
    if (n <= 0) break;
    fill(expected, state);
    ASSERT_EQ(std::memcmp(expected.data(), got.data(), size_t(n)), 0) << "near byte " << received;
    received += size_t(n);
  }
  sending.join();
  EXPECT_EQ(received, (bytes + 65535) / 65536 * 65536);
}

}  // namespace weft::testing
