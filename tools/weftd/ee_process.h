// SPDX-License-Identifier: Apache-2.0
// EeProcess: the home of an EE that is not trusted: a process of its own, behind fences
// (isolation/), that reaches the node by one connected socket and nothing else (Snow).
//
// Threads: the control thread.
// Invariants: the EE's domains end with the socket, and the socket with the process.
#pragma once

#include <functional>
#include <optional>

#include "isolation/process.h"
#include "mee/home.h"
#include "nodeos_api/snow/session.h"
#include "tools/weftd/control_loop.h"
#include "tools/weftd/ee_output.h"

namespace weft {

class EeProcess final : public mee::Home {
 public:
  struct Parts {  // all outlive this
    GeniNode& node;
    ControlLoop& loop;
    Clock& clock;
    Logger& log;
  };

  // `cred`: of whom its domains draw on; NULL: nobody.
  EeProcess(isolation::Confinement wish, const snow::SessionLimits& limits, an_Cred cred, const Parts& parts)
      : wish_(std::move(wish)), limits_(limits), cred_(cred), parts_(parts) {}
  ~EeProcess() override { forget(); }

  Result<void> start(an_Domain parent, WhenEnded ended) override;
  void stop() override;
  void kill() override;
  mee::Facts facts() const override;

 private:
  void watch();
  void serve();
  // Its calls are answered no more, and its domains end.
  void hang_up();
  void died();
  void forget();

  const isolation::Confinement wish_;
  const snow::SessionLimits limits_;
  const an_Cred cred_;
  const Parts parts_;
  std::optional<isolation::Process> process_;
  std::optional<snow::Session> session_;  // none: it has hung up
  std::optional<uint32_t> grace_;         // since then it is expected to end
  std::optional<EeOutput> output_;
  WhenEnded ended_;
};

}  // namespace weft
