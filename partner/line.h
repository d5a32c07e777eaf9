// SPDX-License-Identifier: Apache-2.0
// Line: one direction of an emulated wire, with its delay, rate, loss and reordering.
//
// The same seed, clock readings and packets give the same result.
//
// Threads: one at a time.
// Invariants: packets leave in the order of their arrival times, and those of one
//   arrival time in the order of sending; nothing is allocated after construction.
#pragma once

#include <boost/circular_buffer.hpp>
#include <random>

#include "partner/drop.h"
#include "partner/pvec.h"

namespace weft {

struct LineOptions {
  size_t queue = 1024;     // packets under way, 1 .. 2^20; more are refused
  uint64_t delay_ns = 0;   // from the end of sending to arrival
  uint64_t jitter_ns = 0;  // delay varies evenly by up to this; at most delay_ns
  double loss = 0;         // probability that a packet never arrives, 0 .. 1
  double reorder = 0;      // probability that a packet skips the delay and so overtakes; needs a delay
  uint64_t rate = 0;       // bit/s; 0: unbounded

  // Whether time or chance play any part.
  bool emulates() const { return delay_ns > 0 || loss > 0 || rate > 0; }
};

class Line {
 public:
  Line(const LineOptions& options, uint64_t seed)
      : options_(options), flights_(options.queue + Pvec::kCapacity), random_(seed) {}

  // Sends packets from the front of `v` at time `now` until the queue is full.
  // The lost ones die with kEmulatedLoss.
  struct Sent {
    uint64_t packets = 0, bytes = 0;
  };
  Sent put(Pvec& v, uint64_t now, DropCounters& drops);

  // Appends at most `max` packets that have arrived by `now`.
  void take(Pvec& v, size_t max, uint64_t now);

  // Puts back, in front, what was just taken.  REQUIRES: v.size() <= Pvec::kCapacity
  void put_back(Pvec& v);

  size_t held() const { return flights_.size(); }
  // When the next packet arrives; UINT64_MAX if none is under way.
  uint64_t next_arrival() const { return flights_.empty() ? UINT64_MAX : flights_.front().arrival; }
  // Drops what is under way.
  void cut(DropReason reason, DropCounters& drops);

 private:
  struct Flight {
    uint64_t arrival;
    PacketPtr packet;
  };

  bool chance(double probability);
  uint64_t sent_at(uint64_t now, uint32_t bytes);
  uint64_t arrival_of(uint64_t sent);
  void insert(uint64_t arrival, PacketPtr p);

  LineOptions options_;
  boost::circular_buffer<Flight> flights_;  // by arrival
  std::mt19937_64 random_;
  uint64_t free_at_ = 0;   // when the sender has sent all before
  uint64_t fraction_ = 0;  // of a nanosecond in free_at_, in 1/rate
};

}  // namespace weft
