// SPDX-License-Identifier: Apache-2.0
#include "modules/neighbours.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cassert>
#include <cstring>

#include "base/owned_fd.h"
#include "base/spsc_ring.h"

namespace weft {

namespace {

constexpr size_t kEvents = 1024;
constexpr size_t kBuckets = 256;
constexpr uint16_t kNone = 0xffff;

struct Waiting {
  NeighbourUser* user;
  Packet* packet;
};

// One address, and who waits for it.
struct Entry {
  Address address{};
  uint16_t port = 0;
  uint8_t family = 0;
  uint8_t count = 0;
  uint16_t next = kNone;  // in its bucket, or in the free list
  std::array<Waiting, Neighbours::kPacketsPerAddress> waiting;

  bool is(uint16_t on, uint8_t of, const Address& a) const {
    return port == on && family == of && address == a;
  }
};

size_t bucket_of(uint16_t port, uint8_t family, const Address& a) {
  uint64_t low, high;
  std::memcpy(&low, a.data(), 8);
  std::memcpy(&high, a.data() + 8, 8);
  uint64_t h = (low ^ (high * 0x9e3779b97f4a7c15u) ^ (uint64_t{port} << 8) ^ family) * 0x9e3779b97f4a7c15u;
  return (h >> 32) % kBuckets;
}

}  // namespace

struct Neighbours::State {
  std::array<Entry, kAddresses> entries;
  std::array<uint16_t, kBuckets> buckets;
  uint16_t free = 0;
  size_t behind = 0;  // packets that are not the first of their address
  SpscRing<NeighbourEvent> events{kEvents};
  OwnedFd fd{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  // Set from the worker's write to the fd until the control thread has seen the ring
  // empty, so that many events cost one entry into the kernel.
  std::atomic<bool> told{false};

  State() {
    buckets.fill(kNone);
    for (size_t i = 0; i < kAddresses; ++i) entries[i].next = i + 1 < kAddresses ? uint16_t(i + 1) : kNone;
  }

  // The link that names the entry, or the end of its bucket.
  uint16_t* find(uint16_t port, uint8_t family, const Address& address) {
    uint16_t* link = &buckets[bucket_of(port, family, address)];
    while (*link != kNone && !entries[*link].is(port, family, address)) link = &entries[*link].next;
    return link;
  }

  static size_t behind_first(size_t count) { return count > 1 ? count - 1 : 0; }

  // Unlinks the entry and gives what waited there.
  Entry take(uint16_t* link) {
    const uint16_t index = *link;
    const Entry taken = entries[index];
    behind -= behind_first(taken.count);
    *link = taken.next;
    entries[index].count = 0;
    entries[index].next = free;
    free = index;
    return taken;
  }

  bool tell(NeighbourEvent event) {
    if (!events.try_push(std::move(event))) return false;
    if (!told.exchange(true)) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(fd.get(), &one, sizeof one);
    }
    return true;
  }
};

Neighbours::Neighbours() : state_(std::make_unique<State>()) {}

Neighbours::~Neighbours() {
  for ([[maybe_unused]] const Entry& entry : state_->entries) assert(entry.count == 0);
}

void Neighbours::hold(NeighbourUser& user, uint16_t port, uint8_t family, const Address& address,
                      PacketPtr p) {
  State& s = *state_;
  uint16_t* link = s.find(port, family, address);
  if (*link == kNone) {
    const NeighbourEvent wanted{
        .kind = NeighbourEvent::kWanted, .family = family, .port = port, .address = address};
    if (s.free == kNone || !s.tell(wanted)) return user.failed(std::move(p), DropReason::kNeighbourPending);
    const uint16_t index = s.free;
    Entry& fresh = s.entries[index];
    s.free = fresh.next;
    fresh.address = address;
    fresh.port = port;
    fresh.family = family;
    fresh.next = kNone;
    *link = index;
  }
  Entry& entry = s.entries[*link];
  const bool first = entry.count == 0;
  if (!first && (entry.count == kPacketsPerAddress || s.behind == kPackets)) {
    return user.failed(std::move(p), DropReason::kNeighbourPending);
  }
  s.behind += !first;
  entry.waiting[entry.count++] = {&user, p.release()};
}

void Neighbours::resolved(uint16_t port, uint8_t family, const Address& address, uint32_t next_hop) {
  uint16_t* link = state_->find(port, family, address);
  if (*link == kNone) return;
  const Entry entry = state_->take(link);
  for (size_t i = 0; i < entry.count; ++i) {
    PacketPtr p(entry.waiting[i].packet);
    p->next_hop = next_hop;
    entry.waiting[i].user->resolved(std::move(p));
  }
}

void Neighbours::failed(uint16_t port, uint8_t family, const Address& address) {
  uint16_t* link = state_->find(port, family, address);
  if (*link == kNone) return;
  const Entry entry = state_->take(link);
  for (size_t i = 0; i < entry.count; ++i) {
    entry.waiting[i].user->failed(PacketPtr(entry.waiting[i].packet), DropReason::kNeighbourFailed);
  }
}

void Neighbours::forget(NeighbourUser& user) {
  for (Entry& entry : state_->entries) {
    size_t kept = 0;
    for (size_t i = 0; i < entry.count; ++i) {
      const Waiting waiting = entry.waiting[i];
      if (waiting.user == &user) {
        user.failed(PacketPtr(waiting.packet), DropReason::kPathClosed);
      } else {
        entry.waiting[kept++] = waiting;
      }
    }
    state_->behind -= State::behind_first(entry.count) - State::behind_first(kept);
    entry.count = uint8_t(kept);
  }
}

void Neighbours::learned(const NeighbourEvent& event) { state_->tell(event); }

bool Neighbours::take_event(NeighbourEvent& event) {
  State& s = *state_;
  if (s.events.try_pop(event)) return true;
  uint64_t ignored;
  [[maybe_unused]] const ssize_t n = ::read(s.fd.get(), &ignored, sizeof ignored);
  s.told.exchange(false);
  // What was pushed before told went down did not write to the fd.
  return s.events.try_pop(event);
}

int Neighbours::event_fd() const { return state_->fd.get(); }

}  // namespace weft
