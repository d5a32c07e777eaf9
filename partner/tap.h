// SPDX-License-Identifier: Apache-2.0
// TapPartner: a link of which the kernel is the host at the other end (/dev/net/tun).
//
// An Ethernet link (tap) or one of bare IP packets (tun).  The interface may be made
// in another network namespace.  With IFF_VNET_HDR and TUNSETOFFLOAD the kernel's
// super-packets and unfinished checksums cross as they are, as Packet::kOffload.
//
// /dev/net/tun takes and gives one packet per system call, so here push() and pull()
// enter the kernel once per packet; pull() once more, to find that there is none.
//
// Threads: as Partner.
// Invariants: between calls no slot is held.  The kernel answers for its own
//   address, the node for its: mac() of the node is not the interface's.
#pragma once

#include <array>
#include <climits>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "partner/netdev.h"
#include "partner/partner.h"
#include "partner/pool.h"
#include "partner/vnet_header.h"

namespace weft {

class TapPartner final : public Partner {
 public:
  struct Options {
    std::string name;                      // of the interface: "tap0"
    bool tun = false;                      // bare IP packets, Link::kRaw
    bool persist = false;                  // the interface stays when the node ends
    bool up = true;                        // bring it up
    uint32_t mtu = 0;                      // 0: the kernel's default
    std::string netns;                     // a name in /run/netns or a path; empty: ours
    std::optional<MacAddress> kernel_mac;  // of the interface; tap only
    std::optional<MacAddress> mac;         // of the node; made from machine and name if not given
    bool offload = true;                   // let the kernel leave segments and checksums to us
  };

  // `pool` must outlive the partner.  Touches no device before open().
  // Errors: kInvalid.
  static Result<std::unique_ptr<TapPartner>> create(Options options, Pool& pool, Clock& clock);
  ~TapPartner() override;

  // One opening at a time; `spec` must be empty.
  // Errors: kInvalid, kBusy, kNotFound (no /dev/net/tun, no such namespace),
  // kPermission ("tap tap0: needs CAP_NET_ADMIN"), kIo.
  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  // Slots that the longest packet of the kernel, 64 KB behind tagged headers, needs.
  static constexpr size_t kMaxSegs = 36;

  TapPartner(Options options, Pool& pool) : options_(std::move(options)), pool_(pool) {}
  Error failed(Error error) const;  // with the device's name in front
  Result<void> make_interface();
  Result<void> attach();
  Result<void> configure();
  void ask_for_offload();

  bool write(Pvec& v);
  ssize_t read(Packet* const* segs, size_t count);
  PacketPtr chain(Packet* const* segs, size_t count, uint32_t length);
  PacketPtr accept(Packet* const* segs, size_t count, uint32_t length, bool whole);
  void lose_interface();
  PartnerInfo describe() const;

  const Options options_;
  Pool& pool_;
  Opening opening_;
  uint32_t openings_ = 0;
  OwnedFd fd_;
  Netdev device_;
  bool gone_ = false;  // the interface was deleted under us
  bool offload_ = false;
  std::string reason_;
  MacAddress mac_{};
  uint32_t mtu_ = 0;                   // when it was opened
  std::array<iovec, IOV_MAX> iovecs_;  // used within one push or one pull
  PartnerStats stats_;
};

}  // namespace weft
