// SPDX-License-Identifier: Apache-2.0
// Peers of Snow: two threads on two CPUs, and as little as possible between them.  Prints the
// nanoseconds of each message.
//
//   snow_peers ring|socket rtt|oneway LENGTH
//
// ring: slots of bytes and one index each way, both spin; a message is copied in and out.
// socket: a SOCK_SEQPACKET pair; one way by sendmmsg and recvmmsg of 64.
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "bench/snow.h"

using namespace weft::bench;

namespace {

constexpr size_t kSlots = 1024, kSlot = 2048, kVector = 64;
constexpr size_t kSlices = 200;

struct Ring {
  alignas(64) std::atomic<uint32_t> producer{0};
  alignas(64) std::atomic<uint32_t> consumer{0};
  alignas(64) char slots[kSlots][kSlot];

  void put(const char* message, size_t length, size_t n) {
    const uint32_t at = producer.load(std::memory_order_relaxed);
    while (at + n - consumer.load(std::memory_order_acquire) > kSlots) {
    }
    for (size_t i = 0; i < n; ++i) std::memcpy(slots[(at + i) % kSlots], message, length);
    producer.store(uint32_t(at + n), std::memory_order_release);
  }
  size_t take(char* message, size_t length) {
    const uint32_t at = consumer.load(std::memory_order_relaxed);
    uint32_t n;
    while ((n = producer.load(std::memory_order_acquire) - at) == 0) {
    }
    for (uint32_t i = 0; i < n; ++i) std::memcpy(message, slots[(at + i) % kSlots], length);
    consumer.store(at + n, std::memory_order_release);
    return n;
  }
};

Ring there, back;
int ends[2];
std::atomic<bool> stop{false};

// One round trip, or one message, by either.
struct Meter {
  std::vector<double> slices;
  size_t seen = 0, in_slice;
  uint64_t since = now_ns();
  bool count(size_t n) {
    seen += n;
    if (seen < in_slice) return true;
    const uint64_t now = now_ns();
    slices.push_back(double(now - since) / double(seen));
    since = now;
    seen = 0;
    return slices.size() < kSlices;
  }
};

double ring_rtt(size_t length) {
  static char a[kSlot], b[kSlot];
  std::thread other([&] {
    stay_on(0);
    for (;;) {
      there.take(a, length);
      if (a[0] != 0) return;
      back.put(a, length, 1);
    }
  });
  stay_on(1);
  Meter meter{.slices = {}, .in_slice = 1000};
  do {
    there.put(b, length, 1);
    back.take(b, length);
  } while (meter.count(1));
  b[0] = 1;
  there.put(b, length, 1);
  other.join();
  return percentile_20(meter.slices);
}

double ring_oneway(size_t length) {
  std::thread other([&] {
    stay_on(0);
    static char message[kSlot];
    while (!stop.load(std::memory_order_relaxed)) there.put(message, length, kVector);
  });
  stay_on(1);
  static char into[kSlot];
  Meter meter{.slices = {}, .in_slice = 64'000};
  while (meter.count(there.take(into, length))) {
  }
  stop.store(true);
  there.consumer.store(there.producer.load() + kSlots / 2);  // so that it sees it
  other.join();
  return percentile_20(meter.slices);
}

double socket_rtt(size_t length) {
  static char a[kSlot], b[kSlot];
  std::thread other([&] {
    stay_on(0);
    while (::recv(ends[1], a, length, 0) > 0) ::send(ends[1], a, length, MSG_NOSIGNAL);
  });
  stay_on(1);
  Meter meter{.slices = {}, .in_slice = 200};
  do {
    ::send(ends[0], b, length, MSG_NOSIGNAL);
    ::recv(ends[0], b, length, 0);
  } while (meter.count(1));
  ::shutdown(ends[0], SHUT_RDWR);
  other.join();
  return percentile_20(meter.slices);
}

double socket_oneway(size_t length) {
  static char bytes[2][kVector][kSlot];
  static iovec parts[2][kVector];
  static mmsghdr messages[2][kVector];
  for (int side = 0; side < 2; ++side) {
    for (size_t i = 0; i < kVector; ++i) {
      parts[side][i] = {bytes[side][i], length};
      messages[side][i].msg_hdr.msg_iov = &parts[side][i];
      messages[side][i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::thread other([&] {
    stay_on(0);
    while (::sendmmsg(ends[1], messages[0], kVector, MSG_NOSIGNAL) > 0) {
    }
  });
  stay_on(1);
  Meter meter{.slices = {}, .in_slice = 6400};
  for (int n = 1; n > 0;) {
    n = ::recvmmsg(ends[0], messages[1], kVector, MSG_WAITFORONE, nullptr);
    if (!meter.count(size_t(n))) break;
  }
  ::shutdown(ends[0], SHUT_RDWR);
  other.join();
  return percentile_20(meter.slices);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || ::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) return 2;
  const std::string how = argv[1], what = argv[2];
  const size_t length = std::min<size_t>(std::stoul(argv[3]), kSlot);
  const auto measure =
      how == "ring" ? (what == "rtt" ? ring_rtt : ring_oneway) : (what == "rtt" ? socket_rtt : socket_oneway);
  std::printf("%.1f\n", measure(length));
  return 0;
}
