// SPDX-License-Identifier: Apache-2.0
// SnowSendAddr: where packets of one outgoing channel can be sent to, prepared in the node.
//
// It has an opening of its own in the rings, so that a packet to it takes no message: the node
// finds by the opening which headers go in front.  What is on its way counts as the channel's.
//
// Threads: the control thread; opening() on the worker.
#pragma once

#include "nodeos_api/snow/snow_channel.h"

namespace weft::snow {

class SnowSendAddr final : public Object<SnowSendAddr>, public SendAddrKind {
 public:
  SnowSendAddr(SnowOutChannel& channel, const Crossing& made)
      : channel_(channel), at_node_(made.handle), opening_{made.opening} {}

  Domain& domain() const { return channel_.domain(); }
  SnowOutChannel& channel() const { return channel_; }
  Opening opening() const { return opening_; }
  void open();
  // Leaves the channel, and frees this.
  void destroy();

 private:
  SnowOutChannel& channel_;
  const uint64_t at_node_;
  const Opening opening_;
};

}  // namespace weft::snow
