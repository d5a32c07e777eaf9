// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/packet_tap.h"

#include <algorithm>
#include <ctime>

namespace weft {

namespace {

uint64_t wall_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

bool begins_with_ip(const Packet& p) {
  const unsigned version = p.length == 0 ? 0 : p.data[0] >> 4;
  return p.data == p.window() + p.l3 && (version == 4 || version == 6);
}

}  // namespace

PacketTap::PacketTap(TapOptions options, Ends ends, size_t stages, const Pool& pool,
                     std::unique_ptr<PacketFilter> filter)
    : options_(options),
      ends_(ends),
      last_gate_(stages),
      pool_(pool),
      filter_(std::move(filter)),
      numbers_(pool.capacity()),
      ring_(options.ring_bytes) {}

// At a device the link tells; between stages, whether the packet has been stripped
// down to its network header, or beyond.
bool PacketTap::has_link_header(size_t gate, const Packet& p) const {
  if (at_device(gate)) return (gate == 0 ? ends_.near : *ends_.far) == Link::kEthernet;
  return ends_.near == Link::kEthernet && !begins_with_ip(p) && !is_payload(gate, p);
}

bool PacketTap::is_payload(size_t gate, const Packet& p) const {
  return !at_device(gate) && !begins_with_ip(p) && p.data > p.window() + p.l3;
}

uint32_t PacketTap::choose(const Packet& p, bool link_header) {
  if (limit_reached() || !filter_->matches(p, link_header)) return 0;
  if (!ring_.admit(captured_of(p))) return 0;  // so that the limit counts what is recorded
  chosen_count_.add(1);
  if (next_number_ == options_.limit) limit_reached_.set(1);
  return next_number_++;
}

void PacketTap::record(TapRecord record, const Packet& p) {
  record.length = p.total_length();
  record.captured = captured_of(p);
  ring_.put(record, p);
}

void PacketTap::see(size_t gate, Dir dir, const Pvec& v) {
  const bool enters = gate == (dir == Dir::kForward ? 0 : last_gate_);
  const bool leaves = gate == (dir == Dir::kForward ? last_gate_ : 0);
  const bool wanted = options_.gates.takes(gate, dir);
  // A capture at one gate need not follow packets: it chooses there.
  if (options_.gates.kind != GateChoice::kAll && !wanted) return;
  TapRecord seen{.kind = TapRecord::kSeen, .dir = dir, .place = uint16_t(gate), .time_ns = wall_clock_ns()};
  for (const Packet* p : v) {
    uint32_t& number = number_of(*p);
    seen.link_header = has_link_header(gate, *p);
    seen.payload = is_payload(gate, *p);
    if (enters || number == 0 || options_.gates.kind != GateChoice::kAll)
      number = choose(*p, seen.link_header);
    seen.packet = number;
    if (number != 0) record(seen, *p);
    if (leaves) number = 0;
  }
}

void PacketTap::lost(size_t stage, const Packet& p, DropReason reason) {
  uint32_t& number = number_of(p);
  if (number == 0 || options_.gates.kind != GateChoice::kAll) return;
  record({.kind = TapRecord::kLost,
          .reason = reason,
          .place = uint16_t(stage),
          .packet = number,
          .time_ns = wall_clock_ns()},
         p);
  number = 0;
}

}  // namespace weft
