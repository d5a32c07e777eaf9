// SPDX-License-Identifier: Apache-2.0
// LoopPartner: a wire in memory.  Two openings are its ends; what is pushed at one
// is pulled at the other, or pushed on to the peer of the other if it has one.
//
//   open("a", ...)  open("b", ...)     or "" for the first end that is free
//
// Packets cross whole: no byte is copied, and offloads stay as they are.  The wire
// can delay, lose, reorder and slow packets (line.h), since netem is not on every
// kernel.  While the other end is closed, what is pushed dies with kPartnerDown.
//
// An end that has a peer hands over what has arrived whenever the other end is
// pushed to; what the peer refuses, or what arrives later, waits for pull().
//
// An end that nothing is on the way to lets its worker sleep: it is woken when the next
// packet arrives, and not before.
//
// Threads: as Partner; both ends belong to one worker.
// Time: push() and pull() enter the kernel only where traffic begins and ends, once.
// Invariant: after a pull() that gave nothing, poll_fd is readable when the next packet
//   has arrived, whatever is pushed meanwhile.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "partner/alarm.h"
#include "partner/line.h"
#include "partner/partner.h"

namespace weft {

class LoopPartner final : public Partner {
 public:
  struct Options {
    std::string name = "loop";
    Link link = Link::kEthernet;
    uint32_t mtu = 1500;
    LineOptions line;   // of each direction
    uint64_t seed = 1;  // of all chance
  };

  // Errors: kInvalid, naming the option; and the kernel's.  `clock` must outlive the
  // partner; it is read only if the options emulate something.
  static Result<std::unique_ptr<LoopPartner>> create(const Options& options, const Clock& clock);

  // Errors: kBusy (the end is open), kInvalid (neither "a", "b" nor "").
  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  struct End {
    bool open = false;
    bool handing_over = false;
    Partner* peer = nullptr;
    Opening peer_end;
    std::optional<PartnerStats> stats;  // of the latest opening
    std::unique_ptr<Line> line;         // towards this end
    Alarm alarm;                        // rings when something has arrived
  };

  LoopPartner(const Options& options, const Clock& clock) : options_(options), clock_(clock) {}
  uint64_t now() const { return options_.line.emulates() ? clock_.now_ns() : 0; }
  PartnerInfo info_of(size_t end) const;
  void hand_over(End& end, uint64_t now);

  const Options options_;
  const Clock& clock_;
  std::array<End, 2> ends_;
};

}  // namespace weft
