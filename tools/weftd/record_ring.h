// SPDX-License-Identifier: Apache-2.0
// RecordRing: what a tap saw, on its way from the worker to the control thread.
//
// Threads: put() on the worker, take() on the control thread.
// Time: put() copies and does nothing else; a record that does not fit is lost and
//   counted.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <string>

#include "base/counter.h"
#include "partner/drop.h"
#include "partner/packet.h"
#include "paths/tap.h"

namespace weft {

struct TapRecord {
  enum Kind : uint8_t { kSeen, kLost } kind = kSeen;
  Dir dir = Dir::kForward;
  DropReason reason = DropReason::kTooShort;  // kLost
  bool link_header = false;  // the bytes begin with the link header, not with that of the network
  bool payload = false;      // they begin behind both
  uint16_t place = 0;        // kSeen: the gate; kLost: the stage
  uint16_t captured = 0;     // bytes that follow
  uint32_t length = 0;       // of the whole packet
  uint32_t packet = 0;       // a number that its later records have too
  uint64_t time_ns = 0;      // since 1970
};

class RecordRing {
 public:
  explicit RecordRing(size_t bytes) : ring_(bytes) {}

  // Whether a record with so many bytes has room; one that has not is counted as lost.
  bool admit(size_t captured) {
    if (ring_.write_available() >= sizeof(TapRecord) + captured) return true;
    lost_.add(1);
    return false;
  }

  // Puts `record` and the first record.captured bytes of `p`.
  // REQUIRES: record.captured <= p.total_length()
  void put(const TapRecord& record, const Packet& p) {
    if (!admit(record.captured)) return;
    ring_.push(reinterpret_cast<const char*>(&record), sizeof record);
    size_t left = record.captured;
    for (const Seg* s = &p; left > 0; s = s->next) {
      const size_t n = std::min<size_t>(left, s->length);
      ring_.push(reinterpret_cast<const char*>(s->data), n);
      left -= n;
    }
  }

  // False when there is none.
  bool take(TapRecord& record, std::string& bytes) {
    if (!header_taken_) {
      if (ring_.read_available() < sizeof header_) return false;
      ring_.pop(reinterpret_cast<char*>(&header_), sizeof header_);
      header_taken_ = true;
    }
    if (ring_.read_available() < header_.captured) return false;
    bytes.resize(header_.captured);
    ring_.pop(bytes.data(), bytes.size());
    record = header_;
    header_taken_ = false;
    return true;
  }

  uint64_t lost() const { return lost_.value(); }

 private:
  boost::lockfree::spsc_queue<char> ring_;
  TapRecord header_;  // taken, and its bytes have not all come yet
  bool header_taken_ = false;
  Counter lost_;
};

}  // namespace weft
