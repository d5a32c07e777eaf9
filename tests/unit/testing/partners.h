// SPDX-License-Identifier: Apache-2.0
// Partners for tests: one that keeps what it is given, and gives what it was told; and
// one that gives back what it is given.
#pragma once

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "partner/partner.h"
#include "partner/pool.h"

namespace weft::test {

class TestPartner final : public Partner {
 public:
  explicit TestPartner(PartnerInfo info = {}) : info_(std::move(info)) { info_.driver = "test"; }
  ~TestPartner() override { lose_all(); }

  // push() takes no more than this many packets until it is set again.
  size_t room = SIZE_MAX;

  Link link() const { return info_.link; }

  // What pull() will give.
  void will_give(PacketPtr p) { to_give_.push_back(std::move(p)); }
  size_t left_to_give() const { return to_give_.size(); }

  // What was pushed, oldest first.
  std::deque<PacketPtr>& taken() { return taken_; }
  void lose_all() {
    taken_.clear();
    to_give_.clear();
  }

  Result<Opening> open(std::string_view, Partner* peer, Opening peer_end) override {
    peer_ = peer;
    peer_end_ = peer_end;
    return Opening{0};
  }
  void close(Opening) override { lose_all(); }
  void push(Opening, Pvec& v) override {
    while (!v.empty() && room > 0) {
      --room;
      stats_.tx_packets.add(1);
      taken_.push_back(v.pop_front());
    }
    stats_.refused.add(v.size());
  }
  void pull(Opening, Pvec& v, size_t max) override {
    for (; max > 0 && !to_give_.empty(); --max) {
      stats_.rx_packets.add(1);
      v.push_back(std::move(to_give_.front()));
      to_give_.pop_front();
    }
  }
  Result<Reply> control(Opening, const Request& request) override {
    if (std::holds_alternative<InfoRequest>(request)) return Reply{info_};
    if (std::holds_alternative<StatsRequest>(request)) return Reply{&stats_};
    return Error{Code::kUnsupported, "a test partner knows no commands"};
  }

 private:
  PartnerInfo info_;
  PartnerStats stats_;
  Partner* peer_ = nullptr;
  Opening peer_end_;
  std::deque<PacketPtr> to_give_;
  std::deque<PacketPtr> taken_;
};

class EchoPartner final : public Partner {
 public:
  // What it is given goes back into that opening of `partner`.
  void answer_through(Partner& partner, Opening opening) {
    peer_ = &partner;
    peer_end_ = opening;
  }
  Result<Opening> open(std::string_view, Partner* peer, Opening peer_end) override {
    answer_through(*peer, peer_end);
    return Opening{0};
  }
  void close(Opening) override {}
  void push(Opening, Pvec& v) override { peer_->push(peer_end_, v); }
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request&) override {
    return Error{Code::kUnsupported, "echo knows no commands"};
  }

 private:
  Partner* peer_ = nullptr;
  Opening peer_end_;
};

inline std::string bytes_of(const Packet& p) {
  std::string bytes;
  for (const Packet* s = &p; s != nullptr; s = s->next) {
    bytes.append(reinterpret_cast<const char*>(s->data), s->length);
  }
  return bytes;
}

inline PacketPtr packet(Pool& pool, std::string_view bytes) {
  return pool.copy({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace weft::test
