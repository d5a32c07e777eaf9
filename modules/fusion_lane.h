// SPDX-License-Identifier: Apache-2.0
// What Fusion keeps of a path, and of a port.
//
//   Tally           what passed on a lane in one round
//   Fusion::Lane    one path, as the loop sees it
//   Fusion::InPort  a port, and the lanes of what comes in there
//
// Threads: the worker.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "modules/fusion.h"
#include "paths/path.h"

namespace weft {

// Packets and bytes stand in one word, so that counting costs one addition: a round moves
// far less than 4 GB.  As length and segs do in a Packet: of one Seg without flags, the word
// that they share is what is to be added.
class Tally {
 public:
  // A packet left as long as it came.  REQUIRES: it is one Seg, and no flag is set
  void add(const Packet& plain) {
    static_assert(offsetof(Packet, segs) == offsetof(Packet, length) + 4 &&
                  offsetof(Packet, flags) == offsetof(Packet, length) + 6);
    word_ += load<uint64_t>(&plain.length);
  }
  // So many packets left, with as many bytes as they came with.
  void add(uint64_t packets, uint32_t bytes) { word_ += (packets << 32) + bytes; }
  // One lost its padding, or changed its link header.
  void add_changed(uint32_t out_length, uint32_t in_length) {
    add(1, out_length);
    more_in_ += uint64_t{in_length} - out_length;
  }
  uint64_t packets() const { return word_ >> 32; }
  uint64_t out_bytes() const { return uint32_t(word_); }
  uint64_t in_bytes() const { return out_bytes() + more_in_; }

 private:
  uint64_t word_ = 0;
  uint64_t more_in_ = 0;  // than out; modulo 2^64, for it may be less
};

struct Fusion::Lane {
  OutPort* open = nullptr;  // where packets may pass to without overtaking; null: they may not
  Tally tally;
  Path* path = nullptr;  // null: not fused
  OutPort* out = nullptr;

  void begin() {
    open = path->in_queue(End::kNear).empty() && path->out_queue(End::kFar).empty() ? out : nullptr;
  }

  // Takes over a finished packet, as long as it came.  REQUIRES: as Tally::add()
  void send(Packet& p) {
    if (!open->append(&p)) [[unlikely]]
      return wait(p, p.length);
    tally.add(p);
  }
  // The same for four that stand side by side, of so many bytes.
  bool takes_four() const { return open != nullptr && open->has_room(4); }
  void send_four(Packet* const* four, uint32_t bytes) {  // REQUIRES: takes_four()
    open->append_four(four);
    tally.add(4, bytes);
  }
  // Takes over a finished packet that came with `in_length` bytes.
  void send(Packet& p, uint32_t in_length) {
    const uint32_t length = p.total_length();
    if (!open->append(&p)) return wait(p, in_length);
    tally.add_changed(length, in_length);
  }
  // The device refused it: it goes to the out queue, and others behind it.
  [[gnu::noinline]] void wait(Packet& p, uint32_t in_length) {
    open = nullptr;
    Pvec one;
    one.push_back(PacketPtr(&p));
    path->count_in(1, in_length);
    path->leave(End::kFar, one);
  }
  // Tells the path what passed.
  void settle(uint64_t cycles_per_packet) {
    if (tally.packets() == 0) return;
    path->count_fused(tally.packets(), tally.in_bytes(), tally.out_bytes());
    path->account().charge_cycles(tally.packets() * cycles_per_packet);
    path->account().charge_bits(tally.out_bytes() * 8);
    tally = {};
  }
};

struct Fusion::InPort {
  std::string name;
  uint16_t number;
  Link link;
  const MacAddress& address;  // of the device
  uint64_t mac = 0;  // the same in this pass, as the first bytes of a frame are loaded, without the rest
  OutPort* out;
  std::array<std::vector<Lane>, kFamilies> lanes = {};  // by out port
  uint64_t passes = 0, settled = 0;                     // settled: so many of them
  uint64_t cycles_per_packet = 0;                       // of the last pass that was timed

  template <typename F>
  void each_fused(F f) {
    for (std::vector<Lane>& of_family : lanes) {
      for (Lane& lane : of_family) {
        if (lane.path != nullptr) f(lane);
      }
    }
  }
  void begin() {
    std::memcpy(&mac, address.data(), address.size());
    each_fused([](Lane& lane) { lane.begin(); });
  }
  void settle() {
    settled = passes;
    each_fused([this](Lane& lane) { lane.settle(cycles_per_packet); });
  }
};

}  // namespace weft
