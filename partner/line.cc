// SPDX-License-Identifier: Apache-2.0
#include "partner/line.h"

#include <algorithm>

#include "partner/pool.h"

namespace weft {

Line::Sent Line::put(Pvec& v, uint64_t now, DropCounters& drops) {
  Sent sent;
  while (!v.empty() && flights_.size() < options_.queue) {
    PacketPtr p = v.pop_front();
    const uint32_t bytes = p->total_length();
    if (!options_.emulates()) {
      flights_.push_back({0, std::move(p)});
    } else {
      const uint64_t left = sent_at(now, bytes);  // what is lost on the way takes its time, too
      if (chance(options_.loss)) {
        drop(std::move(p), DropReason::kEmulatedLoss, drops);
        continue;
      }
      insert(arrival_of(left), std::move(p));
    }
    ++sent.packets;
    sent.bytes += bytes;
  }
  return sent;
}

void Line::take(Pvec& v, size_t max, uint64_t now) {
  for (; max > 0 && !flights_.empty() && flights_.front().arrival <= now; --max) {
    v.push_back(std::move(flights_.front().packet));
    flights_.pop_front();
  }
}

void Line::put_back(Pvec& v) {
  for (size_t i = v.size(); i > 0; --i) flights_.push_front({0, PacketPtr(v[i - 1])});
  v.release_all();
}

void Line::cut(DropReason reason, DropCounters& drops) {
  for (Flight& f : flights_) drop(std::move(f.packet), reason, drops);
  flights_.clear();
}

bool Line::chance(double probability) {
  if (probability <= 0) return false;
  return double(random_() >> 11) * 0x1p-53 < probability;
}

// When the last bit has left, if this packet is sent after all before it.
uint64_t Line::sent_at(uint64_t now, uint32_t bytes) {
  if (options_.rate == 0) return now;
  if (free_at_ < now) {
    free_at_ = now;
    fraction_ = 0;
  }
  constexpr uint64_t kPerByte = 8 * 1'000'000'000ull;
  const uint64_t work = bytes * kPerByte + fraction_;
  free_at_ += work / options_.rate;
  fraction_ = work % options_.rate;
  return free_at_;
}

uint64_t Line::arrival_of(uint64_t sent) {
  if (chance(options_.reorder)) return sent;
  const uint64_t jitter = options_.jitter_ns > 0 ? random_() % (2 * options_.jitter_ns + 1) : 0;
  return sent + options_.delay_ns - options_.jitter_ns + jitter;
}

void Line::insert(uint64_t arrival, PacketPtr p) {
  if (flights_.empty() || flights_.back().arrival <= arrival) {
    flights_.push_back({arrival, std::move(p)});
    return;
  }
  const auto later = std::upper_bound(flights_.begin(), flights_.end(), arrival,
                                      [](uint64_t at, const Flight& f) { return at < f.arrival; });
  flights_.insert(later, Flight{arrival, std::move(p)});
}

}  // namespace weft
