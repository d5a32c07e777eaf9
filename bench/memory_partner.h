// SPDX-License-Identifier: Apache-2.0
// A partner that is an array in memory: gives what the array holds, keeps what it is given.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "partner/partner.h"

namespace weft::bench {

class Memory final : public Partner {
 public:
  // Keeps up to `packets` packets.
  Memory(const PartnerInfo& info, size_t packets) : info_(info), taken_(packets) { info_.driver = "memory"; }

  void will_give(std::span<Packet* const> packets) { to_give_ = packets; }
  bool gave_all() const { return to_give_.empty(); }
  // How many it was given since it was last asked, and forgets them.
  size_t take() { return std::exchange(count_, 0); }

  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
  void close(Opening) override {}
  void push(Opening, Pvec& v) override {
    std::copy(v.begin(), v.end(), taken_.begin() + ptrdiff_t(count_));
    count_ += v.size();
    v.release_all();
  }
  void pull(Opening, Pvec& v, size_t max) override {
    const size_t n = std::min(max, to_give_.size());
    v.adopt(to_give_.subspan(0, n));
    to_give_ = to_give_.subspan(n);
  }
  Result<Reply> control(Opening, const Request& request) override {
    if (!std::holds_alternative<InfoRequest>(request))
      return Error{Code::kUnsupported, "only its info is known"};
    return Reply{info_};
  }

 private:
  PartnerInfo info_;
  std::span<Packet* const> to_give_;
  std::vector<Packet*> taken_;
  size_t count_ = 0;
};

}  // namespace weft::bench
