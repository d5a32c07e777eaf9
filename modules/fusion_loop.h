// SPDX-License-Identifier: Apache-2.0
// Fusion::Loop: forwards what it may of a Pvec in one pass.
//
// Packets are looked at four at a time.  Four plain ones (IPv4 without options, in one
// Seg of the pool's own memory, to a link like the one that they came from) are checked
// side by side and sent; of any other four, each is taken by itself.
//
// What it reads for every packet it keeps a copy of: the bytes that are written into
// packets could, for all that the compiler knows, be anything else.
//
// Threads: the worker.
#pragma once

#include <algorithm>

#include "modules/flow.h"
#include "modules/four_packets.h"
#include "modules/fusion_lane.h"
#include "modules/plain_ip.h"
#include "modules/plain_packet.h"

namespace weft {

template <Link kLink, bool kTuples, bool kLarge>
class Fusion::Loop {
 public:
  Loop(const Fusion& fusion, InPort& in)
      : fusion_(fusion),
        in_(in),
        ip4_(fusion.fib_.ip4.reader()),
        hops_(fusion.fib_.next_hops.data()),
        addresses_(fusion.addresses_),
        narrow_(fusion.narrow_),
        lanes_(in.lanes[kIp4].data()),
        lane_count_(all_of(uint32_t(in.lanes[kIp4].size()))),
        tuples_(narrow_.filter().at_port(in.number)),
        ip4_frame_{uint32_t(in.mac), uint32_t(in.mac >> 32), 0, swap_be(uint16_t{flow::kIp4}) | 0x45u << 16} {
  }

  // Takes all packets: what it leaves is in `left`, in order.
  [[gnu::always_inline]] void pass(Pvec& v, Pvec& left) const {
    v.guard_end();
    Packet* const* p = v.begin();
    Packet* const* const end_of_fours = p + v.size() / kFour * kFour;
    for (size_t k = 0; k < kPacketAhead; ++k) Packet::prefetch(p[k]);
    for (size_t k = 0; k < kEntryAhead; ++k) look_ahead(*p[k]);
    for (; p != end_of_fours; p += kFour) {
      for (size_t k = 0; k < kFour; ++k) Packet::prefetch(p[kPacketAhead + k]);
      for (size_t k = 0; k < kFour; ++k) look_ahead(*p[kEntryAhead + k]);
      if (!forward_four<false>(p, left)) [[unlikely]]
        fusion_.forward_others<kLink, kTuples, kLarge>(in_, p, kFour, left);
    }
    if (p != v.end()) fusion_.forward_others<kLink, kTuples, kLarge>(in_, p, size_t(v.end() - p), left);
    v.release_all();
  }

  // Forwards four plain packets, and leaves those that may not go.  With kCareful, some may be
  // longer than they say, have a flag, be wanted by a tuple, or find their lane closed.  False: one
  // of them is not plain, and all are unchanged.
  template <bool kCareful>
  [[gnu::always_inline]] bool forward_four(Packet* const* packets, Pvec& left) const {
    using namespace plain;
    const FourPackets four(packets);
    constexpr uint16_t kUnusual = kCareful ? uint16_t{Packet::kOffload} : kAnyFlag;
    if (!everywhere(four.plain<kUnusual>() & above(four.length(), all_of(kShortest - 1)))) return false;
    uint8_t* const frame[] = {packets[0]->data, packets[1]->data, packets[2]->data, packets[3]->data};
    const uint8_t* const ip_at[] = {frame[0] + kAt, frame[1] + kAt, frame[2] + kAt, frame[3] + kAt};
    const uint32_t next[] = {next_hop(ip_at[0]), next_hop(ip_at[1]), next_hop(ip_at[2]), next_hop(ip_at[3])};
    const FourIp4 ip(ip_at);
    const Words length = ip.total_length() + kAt;
    const Mask whole = kCareful ? ~above(length, four.length()) & above(length, all_of(kShortest - 1))
                                : Mask(length == four.length());
    const Mask good = whole & link_brings_ip4(frame, ip) & ip.passable();
    if (!everywhere(good & ~ip.martian()) || addresses_.any_perhaps_listed(ip.source())) return false;
    if (kTuples && !kCareful && flow::may_want_any_ip4(tuples_, ip_at)) return false;

    const Words ttl = ip.decremented_ttl();
    const auto rewrite = [&](size_t k, const LinkHeader& header) __attribute__((always_inline)) {
      header.write(frame[k]);
      store(frame[k] + kAt + 8, ttl[k]);
    };
    if (!kCareful && all_alike(next)) {
      const NextHop& hop = hops_[next[0]];
      const Lead lead(hop);
      if (!lead.forwards(kAt) || lead.out_port() >= lane_count_[0]) return false;
      Lane& lane = lanes_[lead.out_port()];
      if (!everywhere(~above(ip.total_length(), all_of(lead.mtu()))) || !lane.takes_four()) return false;
      const LinkHeader header(hop);
      for (size_t k = 0; k < kFour; ++k) rewrite(k, header);
      lane.send_four(packets, sum_of(length));
      return true;
    }
    const NextHop* const hop[] = {hops_ + next[0], hops_ + next[1], hops_ + next[2], hops_ + next[3]};
    if (!everywhere(may_take(FourLeads(hop), ip.total_length()))) return false;
    const auto send = [&](size_t k) __attribute__((always_inline)) {
      Lane& lane = lanes_[hop[k]->out_port];
      if (lane.open == nullptr || (kCareful && claimed(*packets[k]))) [[unlikely]]
        return fusion_.leave(in_, *packets[k], left);
      rewrite(k, LinkHeader(*hop[k]));
      if constexpr (!kCareful) return lane.send(*packets[k]);
      packets[k]->length = length[k];
      lane.send(*packets[k], four.length()[k]);
    };
    send(0);
    send(1);
    send(2);
    send(3);
    return true;
  }

 private:
  static constexpr size_t kFour = 4;
  // How far ahead the CPU is asked for a packet, and for its entry of the table.
  static constexpr size_t kPacketAhead = Pvec::kLookahead - kFour;
  static constexpr size_t kEntryAhead = 8;

  static constexpr uint8_t kAt = link_length(kLink);  // where the IP header begins
  static constexpr uint16_t kAnyFlag = 0xffff;
  static constexpr uint32_t kShortest = kAt + plain::FourIp4::kLength;

  // Asks for the entry of the table that an IPv4 packet's destination will need.  Few
  // routes stay in the cache by themselves.
  [[gnu::always_inline]] void look_ahead(const Packet& p) const {
    if (kLarge && p.length >= kShortest) ip4_.prefetch(p.data + kAt + 16);
  }
  [[gnu::always_inline]] uint32_t next_hop(const uint8_t* ip) const { return ip4_.find(ip + 16); }
  static bool all_alike(const uint32_t (&next)[kFour]) {
    return ((next[0] ^ next[1]) | (next[0] ^ next[2]) | (next[0] ^ next[3])) == 0;
  }

  // All ones if the link brought each frame to this node, and each carries IPv4 without options.
  [[gnu::always_inline]] Mask link_brings_ip4(const uint8_t* const* frame, const plain::FourIp4& ip) const {
    if constexpr (kLink == Link::kRaw) return ip.without_options();
    constexpr Words kLookedAt{~0u, 0xffff, 0, 0xffffff};  // destination, type, IPv4's first byte
    Words differences{};
    for (size_t k = 0; k < kFour; ++k) differences |= load<Words>(frame[k]) ^ ip4_frame_;
    return Mask((differences & kLookedAt) == 0);
  }

  // Which next hops can be given a packet of `total` bytes of IP as it is.
  [[gnu::always_inline]] Mask may_take(const plain::FourLeads& lead, Words total) const {
    return lead.forwards(kAt) & ~above(total, lead.mtu()) & above(lane_count_, lead.out_port());
  }

  // Whether a tuple may want a packet, so that the demux must decide.
  [[gnu::always_inline]] bool claimed(const Packet& p) const {
    if (!kTuples || !flow::may_want_ip4(tuples_, p.data + kAt)) return false;
    NarrowFields tuple;
    return !flow::read_ip4_tuple(p, kAt, in_.number, tuple) || narrow_.find(tuple) != narrow_.kNone;
  }

  // What a next hop's link wants in front of a packet.
  class LinkHeader {
   public:
    explicit LinkHeader(const NextHop& hop)
        : first_(load<uint64_t>(hop.header)), last_(load<uint64_t>(hop.header + kLast)) {}
    void write(uint8_t* frame) const {
      if constexpr (kLink == Link::kRaw) return;
      store(frame, first_);
      store(frame + kLast, last_);
    }

   private:
    static constexpr size_t kLast = flow::kEthernetHeader - sizeof(uint64_t);
    const uint64_t first_, last_;
  };

  const Fusion& fusion_;
  InPort& in_;
  const Lpm<4>::Reader ip4_;
  const NextHop* const hops_;
  const LocalAddresses& addresses_;
  const TupleTable<NarrowFields>& narrow_;
  Lane* const lanes_;
  const Words lane_count_;  // the same in each
  const TupleFilter::AtPort tuples_;
  const Words ip4_frame_;  // the first 16 bytes of a frame that is for this node
};

}  // namespace weft
