// SPDX-License-Identifier: Apache-2.0
// SendAddr: where packets of one outgoing channel can be sent to, prepared.
//
// Threads: the control thread; aim() on the worker.
#pragma once

#include "nodeos_api/channel.h"
#include "nodeos_api/object.h"
#include "paths/module.h"

namespace weft {

class SendAddr final : public Object<SendAddr>, public SendAddrKind {
 public:
  SendAddr(OutChannel& channel, const Aim& aim) : channel_(channel), aim_(aim) {}

  Domain& domain() const { return channel_.domain(); }
  OutChannel& channel() const { return channel_; }
  const Aim& aim() const { return aim_; }
  // Leaves the channel, and frees this.
  void destroy();

 private:
  OutChannel& channel_;
  const Aim aim_;
};

}  // namespace weft
