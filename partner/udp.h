// SPDX-License-Identifier: Apache-2.0
// UdpPartner: an overlay tunnel to one remote, each packet in a UDP datagram.
// Unprivileged; IPv4 and IPv6.
//
// Only the remote is heard: the socket is connected, and was deaf before.  Losses
// on the way are those of UDP.  Packets larger than the way's MTU travel in IP
// fragments.
//
// Threads: as Partner.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/owned_fd.h"
#include "partner/partner.h"
#include "partner/pool.h"
#include "partner/udp_address.h"
#include "partner/udp_receiver.h"
#include "partner/udp_sender.h"

namespace weft {

class UdpPartner final : public Partner {
 public:
  struct Options {
    std::string local;   // "10.0.0.1:4000", "[2001:db8::1]:4000"; port 0: any
    std::string remote;  // the same, of the other end
    Link link = Link::kRaw;
    uint32_t mtu = 1400;               // largest network-layer packet, 68 .. 65489 bytes
    bool segments = true;              // UDP_SEGMENT and UDP_GRO, where the system has them
    uint32_t socket_buffer = 4 << 20;  // bytes each way, as far as the system allows
  };

  // Errors: kInvalid, naming the option.  `pool` must outlive the partner.
  static Result<std::unique_ptr<UdpPartner>> create(const Options& options, Pool& pool);

  // Binds and connects.  Errors: kBusy (open already, or the port is in use), and
  // what the system says: "udp 127.0.0.1:4000: Address already in use".
  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  // What exists from open() to close().
  struct Io {
    Io(int fd, const Options& o, Pool& pool, bool segment, bool join);
    PartnerStats stats;
    UdpSender sender;
    UdpReceiver receiver;
  };

  UdpPartner(const Options& options, const UdpAddress& local, const UdpAddress& remote, Pool& pool)
      : options_(options), local_(local), remote_(remote), pool_(pool) {}
  Result<OwnedFd> connected_socket();
  PartnerInfo info_now() const;

  const Options options_;
  const UdpAddress local_;
  const UdpAddress remote_;
  Pool& pool_;
  UdpAddress bound_;  // local_, with the port that the system gave
  OwnedFd socket_;
  bool segment_ = false, join_ = false;  // UDP_SEGMENT and UDP_GRO were to be had
  std::unique_ptr<Io> io_;
};

}  // namespace weft
