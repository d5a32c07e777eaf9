// SPDX-License-Identifier: Apache-2.0
// PacketTap: follows packets through one path and records what each gate sees.
//
// A packet is chosen when it is seen first: by the filter, until the limit is
// reached.  A chosen packet is recorded at every gate that is asked for, and where
// a stage drops it.
//
// Threads: see() and lost() on the path's worker; the ring's other end on the
//   control thread.
// Time: nothing is allocated after construction.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "partner/pool.h"
#include "paths/path.h"
#include "tools/weftd/packet_filter.h"
#include "tools/weftd/record_ring.h"

namespace weft {

// Which gates are recorded.
struct GateChoice {
  enum Kind : uint8_t {
    kAll,
    kGate,   // what passes gate `index`, in both directions
    kStage,  // what enters stage `index`, from both sides
  } kind = kAll;
  size_t index = 0;

  bool takes(size_t gate, Dir dir) const {
    if (kind == kAll) return true;
    return gate == (kind == kStage && dir == Dir::kBackward ? index + 1 : index);
  }
};

struct TapOptions {
  GateChoice gates;
  uint32_t snap = 128;  // bytes of each record, at most 65535
  uint32_t limit = 0;   // packets; 0: without end
  size_t ring_bytes = 1 << 20;
};

class PacketTap final : public Tap {
 public:
  // What stands in front of packets at an end of the path.
  struct Ends {
    Link near;
    std::optional<Link> far;  // none: the far end is not a device
  };

  PacketTap(TapOptions options, Ends ends, size_t stages, const Pool& pool,
            std::unique_ptr<PacketFilter> filter);

  void see(size_t gate, Dir dir, const Pvec& v) override;
  void lost(size_t stage, const Packet& p, DropReason reason) override;

  // --- control thread ---
  RecordRing& ring() { return ring_; }
  bool limit_reached() const { return limit_reached_.value() != 0; }
  uint64_t chosen() const { return chosen_count_.value(); }

 private:
  bool at_device(size_t gate) const { return gate == 0 || (gate == last_gate_ && ends_.far); }
  bool has_link_header(size_t gate, const Packet& p) const;
  bool is_payload(size_t gate, const Packet& p) const;
  // The number of a packet that is followed, 0 of any other.
  uint32_t& number_of(const Packet& p) {
    return &Pool::of(&p) == &pool_ ? numbers_[p.slot] : foreign_number_;
  }
  uint32_t choose(const Packet& p, bool link_header);
  uint16_t captured_of(const Packet& p) const { return uint16_t(std::min(p.total_length(), options_.snap)); }
  void record(TapRecord record, const Packet& p);

  const TapOptions options_;
  const Ends ends_;
  const size_t last_gate_;
  const Pool& pool_;
  const std::unique_ptr<PacketFilter> filter_;
  std::vector<uint32_t> numbers_;  // by slot
  uint32_t foreign_number_ = 0;    // of packets that lie in another pool: one at a time
  uint32_t next_number_ = 1;
  RecordRing ring_;
  Counter chosen_count_, limit_reached_;
};

}  // namespace weft
