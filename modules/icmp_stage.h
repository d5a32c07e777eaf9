// SPDX-License-Identifier: Apache-2.0
// What icmp and icmp6 have in common: a stage that reads messages on their way up and
// may answer them on the path, and what a path text says of it.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "paths/module.h"

namespace weft {

class IcmpStage : public Stage {
 public:
  void deliver(Dir dir, Pvec& v) final;

 protected:
  IcmpStage(IpNode& node, Dir up) : node_(node), up_(up) {}

  // Takes a packet from below: what goes further up is put into `on`, an answer into `back`.
  virtual void receive(PacketPtr p, Pvec& on, Pvec& back) = 0;
  // Takes one from above.
  virtual void send(PacketPtr p, Pvec& on) = 0;

  // The first `n` bytes of the message in one piece, with the headers, if they are there
  // (kHeaders), still in front.  False when the pool is exhausted; the packet is then only
  // to be dropped.
  // REQUIRES: n <= total_length()
  bool gather_message(PacketPtr& p, uint32_t n);

  // Whether the sender left the checksum for later: then it is good.
  static bool unfinished_checksum(const Packet& p) {
    return (p.flags & Packet::kOffload) && p.offload().checksum_left();
  }

  // Makes the echo request whose header is at `message` a reply of that type.  True when
  // its checksum, if it was right, is so again; false when the sum must be taken over.
  static bool make_reply(uint8_t* message, uint8_t type);

  static constexpr size_t kChecksum = 2;  // offset in the message, of either family

  IpNode& node_;
  const Dir up_;
};

class IcmpModuleBase : public Module {
 public:
  std::span<const std::string_view> attributes() const final;
  Result<std::unique_ptr<Stage>> create(const StageContext& context) final;
  Result<void> refine(const StageContext& context, DemuxKey& key) final;

 protected:
  // The module that it stands on.
  virtual std::string_view below() const = 0;
  // `answers`: the path takes all messages, and the node answers those that are its to.
  virtual std::unique_ptr<Stage> make_stage(const StageContext& context, bool answers) = 0;
};

}  // namespace weft
