// SPDX-License-Identifier: Apache-2.0
// RateMeter: which packets keep to a rate.
//
// A traffic specification has the terms of the Tspec of RFC 2212 section 3 and RFC 2215
// section 3.6: over any time T no more conforms than M + min(pT, rT + b - M) bytes, where
// a packet shorter than m counts as m bytes, and one longer than M never conforms.
// As in RFC 2697 and RFC 2698 each rate is a bucket that fills steadily and is full at
// first; a packet conforms if both hold enough.
//
// Threads: one; the time is given, so that nobody asks a clock for each packet.
// Time: no allocation; two multiplications for each packet.
// Invariants: exact: what a bucket lacks is kept in units of 10^-9 bit, and no packet that
//   was let pass makes it lack more than it holds.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weft {

struct Tspec {
  static constexpr uint64_t kMaxRate = 1'000'000'000'000;   // bits per second
  static constexpr uint64_t kMaxBurst = uint64_t{1} << 31;  // bytes

  uint64_t rate = 0;            // r, bits per second; 0: without limit
  uint64_t burst = 0;           // b, bytes
  uint64_t peak = 0;            // p, bits per second; 0: without limit
  uint32_t min_unit = 0;        // m, bytes
  uint32_t max_packet = 65535;  // M, bytes

  bool limits() const { return rate != 0; }
};

class RateMeter {
 public:
  // REQUIRES: rates and bursts as in Tspec; rate != 0; max_packet <= burst
  RateMeter(const Tspec& spec, uint64_t now_ns)
      : spec_(spec), rate_(spec.rate, spec.burst), peak_(spec.peak, spec.max_packet), filled_ns_(now_ns) {}

  // What came in since then.  A time that was seen already adds nothing.
  void fill(uint64_t now_ns) {
    if (now_ns <= filled_ns_) return;
    const uint64_t elapsed = now_ns - filled_ns_;
    rate_.fill(elapsed);
    peak_.fill(elapsed);
    filled_ns_ = now_ns;
  }
  // Whether a packet of `bytes` conforms; if so, it is paid for.
  bool take(uint32_t bytes) {
    const uint64_t price = price_of(bytes);
    if (bytes > spec_.max_packet || !rate_.has(price) || !peak_.has(price)) return false;
    rate_.missing += price;
    peak_.missing += peak_.rate != 0 ? price : 0;
    return true;
  }
  // Undoes take(): the packet was not sent.
  void give_back(uint32_t bytes) {
    for (Level* level : {&rate_, &peak_}) level->missing -= std::min(level->missing, price_of(bytes));
  }

 private:
  static constexpr uint64_t kByte = 8'000'000'000;  // in units of 10^-9 bit

  struct Level {
    Level(uint64_t bits_per_second, uint64_t bytes)
        : rate(bits_per_second), size(bytes * kByte), full_ns(rate == 0 ? 0 : size / rate + 1) {}

    void fill(uint64_t elapsed_ns) {
      const uint64_t gained = elapsed_ns < full_ns ? elapsed_ns * rate : size;
      missing -= std::min(missing, gained);
    }
    bool has(uint64_t price) const { return rate == 0 || price <= size - missing; }

    uint64_t rate;
    uint64_t size;
    uint64_t full_ns;  // it is full after so long
    uint64_t missing = 0;
  };

  uint64_t price_of(uint32_t bytes) const { return uint64_t{std::max(bytes, spec_.min_unit)} * kByte; }

  Tspec spec_;
  Level rate_, peak_;
  uint64_t filled_ns_;
};

}  // namespace weft
