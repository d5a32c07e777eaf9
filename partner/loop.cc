// SPDX-License-Identifier: Apache-2.0
#include "partner/loop.h"

#include <fmt/format.h>

#include "partner/pool.h"

namespace weft {

namespace {

constexpr size_t kMaxQueue = size_t{1} << 20;
constexpr uint64_t kMaxTime = 3'600'000'000'000;  // an hour

bool is_probability(double p) { return p >= 0 && p <= 1; }

Result<void> check(const LoopPartner::Options& o) {
  const auto refuse = [&o](std::string_view sentence) {
    return Error{Code::kInvalid, fmt::format("{}: {}", o.name, sentence)};
  };
  const LineOptions& line = o.line;
  if (line.queue == 0 || line.queue > kMaxQueue) return refuse("queue must be 1 to 1048576 packets");
  if (line.delay_ns > kMaxTime) return refuse("delay must be at most an hour");
  if (line.jitter_ns > line.delay_ns) return refuse("jitter must not be larger than delay");
  if (!is_probability(line.loss)) return refuse("loss must be a probability from 0 to 1");
  if (!is_probability(line.reorder)) return refuse("reorder must be a probability from 0 to 1");
  if (line.reorder > 0 && line.delay_ns == 0) return refuse("reorder needs a delay to overtake in");
  if (o.mtu < 68 || o.mtu > 65535) return refuse("mtu must be 68 to 65535 bytes");
  return {};
}

// What the other end of a wire knows of a packet: its bytes.
void forget_sender(Packet& p) {
  p.flags = uint16_t(p.flags & ~(Packet::kLocal | Packet::kOrigin));
  p.next_hop = Packet::kNoNextHop;
  p.in_port = Packet::kNoPort;
  p.timestamp = 0;
}

uint64_t bytes_of(const Pvec& v, size_t first = 0) {
  uint64_t n = 0;
  for (size_t i = first; i < v.size(); ++i) n += v[i]->total_length();
  return n;
}

}  // namespace

Result<std::unique_ptr<LoopPartner>> LoopPartner::create(const Options& options, const Clock& clock) {
  if (auto ok = check(options); !ok) return ok.error();
  std::unique_ptr<LoopPartner> loop(new LoopPartner(options, clock));
  for (size_t i = 0; i < loop->ends_.size(); ++i) {
    loop->ends_[i].line = std::make_unique<Line>(options.line, options.seed * 2 + i);
    if (auto made = loop->ends_[i].alarm.open(options.name); !made) return made.error();
  }
  return loop;
}

Result<Opening> LoopPartner::open(std::string_view spec, Partner* peer, Opening peer_end) {
  size_t i = 0;
  if (spec.empty()) {
    i = ends_[0].open ? 1 : 0;
  } else if (spec == "a" || spec == "b") {
    i = spec == "b" ? 1 : 0;
  } else {
    return Error{Code::kInvalid, fmt::format("{}: an end is 'a' or 'b', not '{}'", options_.name, spec)};
  }
  End& end = ends_[i];
  if (end.open) {
    return Error{Code::kBusy, spec.empty() ? fmt::format("{}: both ends are in use", options_.name)
                                           : fmt::format("{}: end {} is in use", options_.name, spec)};
  }
  end.open = true;
  end.peer = peer;
  end.peer_end = peer_end;
  end.stats.emplace();
  return Opening{uint32_t(i)};
}

void LoopPartner::close(Opening which) {
  End& end = ends_[which.id];
  end.open = false;
  end.peer = nullptr;
  end.line->cut(DropReason::kPartnerDown, end.stats->drops);
  end.alarm.set(Alarm::kNever);
}

void LoopPartner::push(Opening which, Pvec& v) {
  End& near = ends_[which.id];
  End& far = ends_[1 - which.id];
  if (!far.open) {
    drop(v, DropReason::kPartnerDown, near.stats->drops);
    return;
  }
  const uint64_t at = now();
  const Line::Sent sent = far.line->put(v, at, near.stats->drops);
  near.stats->tx_packets.add(sent.packets);
  near.stats->tx_bytes.add(sent.bytes);
  near.stats->refused.add(v.size());
  hand_over(far, at);
  // One that rings already, or will before, wakes whoever pulls in time.
  if (far.line->next_arrival() < far.alarm.due_ns()) far.alarm.set(far.line->next_arrival());
}

void LoopPartner::pull(Opening which, Pvec& v, size_t max) {
  End& end = ends_[which.id];
  const size_t before = v.size();
  if (end.line->held() > 0) end.line->take(v, max, now());
  if (v.size() == before) return end.alarm.set(end.line->next_arrival());
  for (size_t i = before; i < v.size(); ++i) forget_sender(*v[i]);
  end.stats->rx_packets.add(v.size() - before);
  end.stats->rx_bytes.add(bytes_of(v, before));
}

// One Pvec of what has arrived goes to the peer.  A peer that answers at once, by
// pushing into the other end, only fills the line: the stack stays flat.
void LoopPartner::hand_over(End& end, uint64_t now) {
  if (end.peer == nullptr || end.handing_over) return;
  end.handing_over = true;
  Pvec v;
  end.line->take(v, v.room(), now);
  for (Packet* p : v) forget_sender(*p);
  const uint64_t packets = v.size();
  const uint64_t bytes = bytes_of(v);
  if (packets > 0) end.peer->push(end.peer_end, v);
  end.stats->rx_packets.add(packets - v.size());
  end.stats->rx_bytes.add(bytes - bytes_of(v));
  end.line->put_back(v);
  end.handing_over = false;
}

PartnerInfo LoopPartner::info_of(size_t end) const {
  PartnerInfo info;
  info.driver = "loop";
  info.device = fmt::format("{} end {}", options_.name, end == 0 ? 'a' : 'b');
  info.mode = options_.line.emulates() ? "in memory, emulating a wire" : "in memory";
  info.link = options_.link;
  if (options_.link == Link::kEthernet) info.mac = {0x02, 0, 0, 0, 0, uint8_t(0x0a + end)};
  info.mtu = options_.mtu;
  info.up = ends_[1 - end].open;
  info.offload = true;
  info.owns_address = true;
  info.poll_fd = ends_[end].alarm.fd();
  return info;
}

Result<Reply> LoopPartner::control(Opening which, const Request& request) {
  if (which.id >= ends_.size() || !ends_[which.id].open) {
    return Error{Code::kDead, fmt::format("{}: that end is closed", options_.name)};
  }
  if (std::holds_alternative<InfoRequest>(request)) return Reply{info_of(which.id)};
  if (std::holds_alternative<StatsRequest>(request)) return Reply{&*ends_[which.id].stats};
  return Error{Code::kUnsupported, fmt::format("{}: it knows no request '{}'", options_.name,
                                               std::get<TextRequest>(request).text)};
}

}  // namespace weft
