// SPDX-License-Identifier: Apache-2.0
// A Demux with three raw ports, a forwarding table with a destination of every kind,
// and paths without stages whose far ends keep what comes out.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "modules/flow.h"
#include "paths/demux.h"
#include "tests/unit/testing/partners.h"

namespace weft::test {

using Ip4 = std::array<uint8_t, 4>;

// A packet to send.  IPv6 addresses are the IPv4 ones behind 2001:db8::/96.
struct Sent {
  bool wide = false;
  Ip4 source{10, 0, 0, 9};
  Ip4 destination{10, 0, 0, 1};  // DemuxNode::kLocal
  uint8_t protocol = 17;
  uint16_t port = 0;  // destination port
  std::vector<uint8_t> payload{};
  bool fragment = false;
  uint32_t split = 0;          // bytes in the first Seg; 0: all
  uint32_t padding = 0;        // bytes behind the end, each 0
  std::vector<uint8_t> raw{};  // if not empty: the packet
};

inline std::vector<uint8_t> bytes_of(const Sent& s) {
  if (!s.raw.empty()) return s.raw;
  std::vector<uint8_t> b;
  auto put16 = [&](size_t n) {
    b.push_back(uint8_t(n >> 8));
    b.push_back(uint8_t(n));
  };
  auto put = [&](const auto& bytes) { b.insert(b.end(), bytes.begin(), bytes.end()); };
  const size_t transport = 8 + s.payload.size();
  if (s.wide) {
    put(std::array<uint8_t, 4>{0x60, 0, 0, 0});
    put16(transport + (s.fragment ? 8 : 0));
    put(std::array<uint8_t, 2>{s.fragment ? uint8_t{44} : s.protocol, 64});
    for (const Ip4& a : {s.source, s.destination}) {
      put(std::array<uint8_t, 12>{0x20, 0x01, 0x0d, 0xb8});
      put(a);
    }
    if (s.fragment) put(std::array<uint8_t, 8>{s.protocol, 0, 0, 1});
  } else {
    put(std::array<uint8_t, 2>{0x45, 0});
    put16(20 + transport);
    put(std::array<uint8_t, 8>{0, 1, s.fragment ? uint8_t{0x20} : uint8_t{0}, 0, 64, s.protocol, 0, 0});
    put(s.source);
    put(s.destination);
  }
  put16(4000);
  put16(s.port);
  put16(transport);
  put16(0);
  put(s.payload);
  b.resize(b.size() + s.padding);
  return b;
}

class DemuxNode {
 public:
  static constexpr Ip4 kLocal{10, 0, 0, 1}, kForwarded{10, 1, 0, 1}, kForwarded2{10, 2, 0, 1},
      kResolved{10, 3, 0, 1}, kBlackhole{10, 4, 0, 1}, kUnreachable{10, 5, 0, 1}, kProhibit{10, 6, 0, 1},
      kKernel{10, 7, 0, 1}, kNoRoute{11, 0, 0, 1};

  DemuxNode() : demux_(fib_, reader_, *pool_) {
    for (uint16_t number = 0; number < 3; ++number) demux_.add_port(number, Link::kRaw);
    fib_.heard_by_kernel = {true, false, false};
    add_route(kLocal, 32, {.kind = NextHop::kLocal});
    add_route(kForwarded, 16, {.kind = NextHop::kForward, .out_port = 1});
    add_route(kForwarded2, 16, {.kind = NextHop::kForward, .out_port = 2});
    add_route(kResolved, 16, {.kind = NextHop::kResolve, .out_port = 1});
    add_route(kBlackhole, 16, {.kind = NextHop::kBlackhole});
    add_route(kUnreachable, 16, {.kind = NextHop::kUnreachable});
    add_route(kProhibit, 16, {.kind = NextHop::kProhibit});
    add_route(kKernel, 32, {.kind = NextHop::kKernel});
  }
  ~DemuxNode() {
    for (auto& bound : bound_) {
      demux_.unbind(*bound->path);
      bound->path->close();
      bound->out.lose_all();
    }
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  Demux& demux() { return demux_; }
  Pool& pool() { return *pool_; }
  Path& path(size_t i) { return *bound_[i]->path; }
  size_t paths() const { return bound_.size(); }
  const NextHop& next_hop(const Ip4& a) const { return fib_.next_hops[hop_of(a)]; }
  uint32_t hop_of(const Ip4& a) const { return fib_.ip4.find(a.data()); }

  // Returns the number of the path.
  size_t bind(const std::string& text, const DemuxKey& key, PathQueues queues = {}) {
    auto done = try_bind(text, key, queues);
    EXPECT_TRUE(done) << done.error().sentence;
    return bound_.size() - 1;
  }
  Result<void> try_bind(const std::string& text, const DemuxKey& key, PathQueues queues = {}) {
    auto bound = std::make_unique<Bound>();
    // The text is only a label here.
    PathSpec spec;
    spec.near.chain.push_back({text, 1});
    bound->path = std::make_unique<Path>(spec, queues, nullptr);
    bound->path->join(End::kFar, &bound->out, Opening{0});
    auto done = demux_.bind(key, *bound->path);
    if (done) bound_.push_back(std::move(bound));
    return done;
  }
  // The sentence of the error.
  std::string refused(const std::string& text, const DemuxKey& key, Code code) {
    auto done = try_bind(text, key);
    EXPECT_FALSE(done) << text;
    if (done) return {};
    EXPECT_EQ(done.error().code, code) << done.error().sentence;
    return done.error().sentence;
  }
  void unbind(size_t i) { demux_.unbind(*bound_[i]->path); }

  PacketPtr make(const Sent& s) {
    const std::vector<uint8_t> bytes = bytes_of(s);
    PacketPtr p = pool_->alloc();
    std::memcpy(p->data, bytes.data(), bytes.size());
    p->length = uint32_t(bytes.size());
    if (s.split == 0) return p;
    PacketPtr tail = pool_->alloc();
    tail->length = p->length - s.split;
    std::memcpy(tail->data, p->data + s.split, tail->length);
    p->length = s.split;
    p->segs = 2;
    p->next = tail.release();
    return p;
  }

  void enqueue(const Sent& s, uint16_t in_port = 0) {
    Pvec v;
    v.push_back(make(s));
    demux_.sort(in_port, v);
    EXPECT_TRUE(v.empty());
  }

  struct Arrived {
    bool local;
    uint32_t next_hop;
    uint16_t in_port;
  };
  // Runs all paths; the texts of those that something came out of, in the order in
  // which they were bound, one for each packet.
  std::vector<std::string> run() {
    std::vector<std::string> texts;
    for (auto& bound : bound_) {
      while (bound->path->runnable()) bound->path->run();
      for (PacketPtr& p : bound->out.taken()) {
        texts.push_back(bound->path->text());
        last_ = {(p->flags & Packet::kLocal) != 0, p->next_hop, p->in_port};
      }
      bound->out.lose_all();
    }
    return texts;
  }
  std::vector<std::string> send(const Sent& s, uint16_t in_port = 0) {
    enqueue(s, in_port);
    return run();
  }
  // What the demux wrote into the last packet that came out.
  const Arrived& last() const { return last_; }

 private:
  struct Bound {
    TestPartner out;
    std::unique_ptr<Path> path;
  };

  void add_route(const Ip4& prefix, unsigned length, NextHop hop) {
    const uint16_t value = ++routes_;
    fib_.next_hops.set(value, hop);
    EXPECT_TRUE(fib_.ip4.insert(prefix.data(), length, value));
    std::array<uint8_t, 16> wide{0x20, 0x01, 0x0d, 0xb8};
    std::copy(prefix.begin(), prefix.end(), wide.begin() + 12);
    EXPECT_TRUE(fib_.ip6.insert(wide.data(), 96 + length, value));
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 512, .pages = PageKind::k4K});
  Fib fib_;
  uint16_t routes_ = 0;
  FlowReader reader_;
  Demux demux_;
  std::vector<std::unique_ptr<Bound>> bound_;
  Arrived last_{};
};

}  // namespace weft::test
