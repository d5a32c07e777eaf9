// SPDX-License-Identifier: Apache-2.0
// OutPort: joins the ends of many paths to one device.
//
// Collects what paths send into one Pvec and hands that to the device when it is
// full or the round ends, so that the kernel is entered once for all of them.
// As seen by a path it is the Partner at its end.
//
// Threads: the worker.
#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "paths/port.h"

namespace weft {

class OutPort final : public Partner {
 public:
  explicit OutPort(const Port& port) : partner_(*port.partner), opening_(port.opening) {}
  ~OutPort() override { weft::drop(batch_, DropReason::kPathClosed, drops_); }

  // For a fused loop.  False when the device refuses; `p` is then still the caller's.
  bool append(Packet* p) {
    if (!has_room(1)) [[unlikely]]
      return false;
    batch_.put(p);
    return true;
  }
  // The same for four that stand side by side.  REQUIRES: has_room(4)
  void append_four(Packet* const* four) { batch_.put_four(four); }
  // Whether so many more fit, when the device has been offered what is here.
  bool has_room(size_t packets) { return batch_.open(packets) || make_room(packets); }

  // Hands the batch to the device.  What is refused stays for the next time.
  void flush() {
    if (!batch_.empty()) partner_.push(opening_, batch_);
  }
  size_t waiting() const { return batch_.size(); }
  // Packets that were still here when the port was closed.
  const DropCounters& drops() const { return drops_; }

  void push(Opening, Pvec& v) override {
    while (!v.empty()) {
      if (batch_.full()) flush();
      if (batch_.full()) return;
      batch_.append(v);
    }
  }

  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
  void close(Opening) override {}
  void pull(Opening, Pvec& v, size_t max) override {
    for (; max > 0 && !batch_.empty(); --max) v.push_back(batch_.pop_front());
  }
  Result<Reply> control(Opening, const Request& request) override {
    return partner_.control(opening_, request);
  }

 private:
  [[gnu::noinline]] bool make_room(size_t packets) {
    flush();
    if (batch_.room() < packets) return false;
    if (!batch_.open(packets)) batch_.close_gap();
    return true;
  }

  Partner& partner_;
  Opening opening_;
  Pvec batch_;
  DropCounters drops_;
};

}  // namespace weft
