// SPDX-License-Identifier: Apache-2.0
// EeProcess: the home of an EE that is not trusted: a process of its own, behind fences
// (isolation/), that reaches the node through a connected socket and nothing else.
//
// Threads: the control thread.
#pragma once

#include <functional>
#include <optional>

#include "isolation/process.h"
#include "mee/home.h"
#include "tools/weftd/control_loop.h"
#include "tools/weftd/ee_output.h"

namespace weft {

// Serves the NodeOS calls that come by `socket` (SOCK_SEQPACKET, connected), in domains below
// `parent`; when the socket closes, they end.  (Snow.)
using SnowDoor = std::function<Result<void>(OwnedFd socket, an_Domain parent, const std::string& name)>;

class EeProcess final : public mee::Home {
 public:
  struct Parts {  // all outlive this
    ControlLoop& loop;
    Clock& clock;
    Logger& log;
    const SnowDoor& snow;  // empty: this weftd has no Snow; the calls then go unanswered
  };

  EeProcess(isolation::Confinement wish, const Parts& parts) : wish_(std::move(wish)), parts_(parts) {}
  ~EeProcess() override { forget(); }

  Result<void> start(an_Domain parent, WhenEnded ended) override;
  void stop() override;
  void kill() override;
  mee::Facts facts() const override;

 private:
  void watch();
  void forget();
  void died();

  const isolation::Confinement wish_;
  const Parts parts_;
  std::optional<isolation::Process> process_;
  std::optional<EeOutput> output_;
  OwnedFd unanswered_;  // the node's end of the socket, where there is no Snow
  WhenEnded ended_;
};

}  // namespace weft
