// SPDX-License-Identifier: Apache-2.0
// A Partner is the neighbour you hand packets to and take packets from.
//
// Devices, files, tunnels, the border to another process, and Geni (the partner
// whose device is the set of paths) all implement it, so any two can be joined
// and any joint can be cut and replaced by a test.  Five verbs, symmetric: either
// side of a joint may be the active one.  (Snow on Silk, section 3.3.)
//
// Threads: open(), close() and control() from the control thread while the worker
//   of the opening stands between rounds; push() and pull() from that worker.
// Time: push() and pull() never block, allocate, lock or log, and enter the
//   kernel at most once per Pvec.  A device that offers no better (tap.h, pcap.h)
//   says so in its header.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/counter.h"
#include "base/result.h"
#include "partner/drop.h"
#include "partner/pvec.h"

namespace weft {

// One use of a partner, from open() to close().
struct Opening {
  uint32_t id = UINT32_MAX;
  friend bool operator==(Opening, Opening) = default;
};
constexpr Opening kNoOpening{};

// What stands at the front of the packets that a partner gives and takes.
enum class Link : uint8_t {
  kEthernet,  // an Ethernet header, without FCS
  kRaw,       // the first nibble tells: 4 IPv4, 6 IPv6, 0 a PAN capsule
};

using MacAddress = std::array<uint8_t, 6>;

// What an opening is, in words for an operator and in numbers for the node.
struct PartnerInfo {
  std::string driver;  // "af_packet"
  std::string device;  // "veth0"; "10.0.0.1:4000 -> 10.0.0.2:4000"
  std::string mode;    // the rung that was reached: "TPACKET_V2 rx, sendmmsg tx"
  std::string reason;  // why not a better one; empty if there is none
  Link link = Link::kEthernet;
  MacAddress mac{};     // the device's own; zero when it has none
  uint32_t mtu = 1500;  // largest network-layer packet, bytes
  int ifindex = 0;      // of the kernel's interface; 0 when there is none
  bool up = true;
  bool offload = false;       // takes packets with Packet::kOffload as they are
  bool owns_address = false;  // the kernel does not answer for addresses on this link
  int poll_fd = -1;           // readable when pull() would give something; -1: ask always
};

struct PartnerStats {
  Counter rx_packets, rx_bytes;  // given by pull(), or pushed to the peer
  Counter tx_packets, tx_bytes;  // taken by push() and transmitted
  Counter refused;               // left in a Pvec by push()
  DropCounters drops;            // lost inside the driver, by reason
};

// What control() can be asked.
struct InfoRequest {};
struct StatsRequest {};
struct TextRequest {  // a command of the partner's own, in words
  std::string_view text;
};
using Request = std::variant<InfoRequest, StatsRequest, TextRequest>;
using Reply = std::variant<PartnerInfo, const PartnerStats*, std::string>;

class Partner {
 public:
  virtual ~Partner() = default;

  // Begins one use.  From now on the partner may push to `peer` at `peer_end`.
  // `spec` is the partner's own: nothing for a device, a path text for Geni.
  // `peer` may be null for an opening that only answers push() and pull().
  // Errors: one sentence that names the device and what is missing.
  virtual Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) = 0;

  // Ends it.  On return every packet that the opening held is back in its pool.
  virtual void close(Opening which) = 0;

  // Takes packets from the front of `v`.  What is left in `v` was refused and is
  // still the caller's, to keep, to retry, or to drop() with a reason.
  virtual void push(Opening which, Pvec& v) = 0;

  // Appends at most `max` packets to `v`.  REQUIRES: max <= v.room()
  virtual void pull(Opening which, Pvec& v, size_t max) = 0;

  // Anything rare.  Replies to InfoRequest with PartnerInfo, to StatsRequest with
  // a pointer that lives as long as the opening, to TextRequest with text.
  // Errors: kUnsupported (a text that this partner does not know), kDead.
  virtual Result<Reply> control(Opening which, const Request& request) = 0;
};

// control() for the two questions that everyone asks.
Result<PartnerInfo> info(Partner& partner, Opening which);
Result<const PartnerStats*> stats(Partner& partner, Opening which);

}  // namespace weft
