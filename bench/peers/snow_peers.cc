// SPDX-License-Identifier: Apache-2.0
// Peers of Snow: two threads on two CPUs, and as little as possible between them.  Prints the
// nanoseconds of each message.
//
//   snow_peers ring|socket rtt|oneway LENGTH
//
// ring: slots of bytes, both spin; a message is copied in and out.  Of two ways to tell that one is
// there, each case has the faster:
//   rtt     a turn in the line of a slot's first bytes, so that nothing else crosses for a message
//   oneway  an index for each vector
// How far the other has taken is looked at only when the ring may be full.
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
constexpr size_t kSlices = 1000;

std::atomic<bool> stop{false};

// Each side's own counts stand apart, and what both look at.
struct Turns {
  struct alignas(64) Slot {
    std::atomic<uint32_t> turn;  // one more than the count of those before it
    char bytes[kSlot - 64];
  };
  alignas(128) std::atomic<uint32_t> taken{0};
  alignas(128) uint32_t put_ = 0, taken_seen_ = 0;
  alignas(128) uint32_t take_ = 0;
  Slot slots[kSlots];

  void put(const char* message, size_t length) {
    while (put_ - taken_seen_ == kSlots) taken_seen_ = taken.load(std::memory_order_acquire);
    Slot& slot = slots[put_ % kSlots];
    std::memcpy(slot.bytes, message, length);
    slot.turn.store(++put_, std::memory_order_release);
  }
  void take(char* message, size_t length) {
    const Slot& slot = slots[take_ % kSlots];
    while (slot.turn.load(std::memory_order_acquire) != take_ + 1) {
    }
    std::memcpy(message, slot.bytes, length);
    taken.store(++take_, std::memory_order_release);
  }
};

struct Indices {
  alignas(128) std::atomic<uint32_t> producer{0};
  alignas(128) std::atomic<uint32_t> consumer{0};
  alignas(128) uint32_t put_ = 0, taken_seen_ = 0;
  alignas(128) uint32_t take_ = 0;
  alignas(128) char slots[kSlots][kSlot];

  void put(const char* message, size_t length, uint32_t n) {
    while (put_ + n - taken_seen_ > kSlots) {
      if (stop.load(std::memory_order_relaxed)) return;
      taken_seen_ = consumer.load(std::memory_order_acquire);
    }
    for (uint32_t i = 0; i < n; ++i) std::memcpy(slots[(put_ + i) % kSlots], message, length);
    producer.store(put_ += n, std::memory_order_release);
  }
  size_t take(char* message, size_t length) {
    uint32_t n;
    while ((n = producer.load(std::memory_order_acquire) - take_) == 0) {
    }
    for (uint32_t i = 0; i < n; ++i) std::memcpy(message, slots[(take_ + i) % kSlots], length);
    consumer.store(take_ += n, std::memory_order_release);
    return n;
  }
};

Turns there, back;
Indices vectors;
int ends[2];

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
      back.put(a, length);
    }
  });
  stay_on(1);
  Meter meter{.slices = {}, .in_slice = 500};
  do {
    there.put(b, length);
    back.take(b, length);
  } while (meter.count(1));
  b[0] = 1;
  there.put(b, length);
  other.join();
  return percentile_20(meter.slices);
}

double ring_oneway(size_t length) {
  std::thread other([&] {
    stay_on(0);
    static char message[kSlot];
    while (!stop.load(std::memory_order_relaxed)) vectors.put(message, length, kVector);
  });
  stay_on(1);
  static char into[kSlot];
  Meter meter{.slices = {}, .in_slice = 6400};
  while (meter.count(vectors.take(into, length))) {
  }
  stop.store(true);
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
  Meter meter{.slices = {}, .in_slice = 20};
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
  Meter meter{.slices = {}, .in_slice = 640};
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
  const size_t length = std::min<size_t>(std::stoul(argv[3]), kSlot - 64);
  const auto measure =
      how == "ring" ? (what == "rtt" ? ring_rtt : ring_oneway) : (what == "rtt" ? socket_rtt : socket_oneway);
  std::printf("%.1f\n", measure(length));
  return 0;
}
