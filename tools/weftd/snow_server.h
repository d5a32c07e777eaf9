// SPDX-License-Identifier: Apache-2.0
// SnowServer: lets EEs in other processes in, and serves them until they go.
//
// Threads: the control thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "nodeos_api/snow/session.h"
#include "tools/weftd/admin_socket.h"
#include "tools/weftd/control_loop.h"

namespace weft {

class SnowServer {
 public:
  static constexpr size_t kMaxSessions = 64;

  SnowServer(ControlLoop& loop, GeniNode& node, const snow::SessionLimits& limits, Logger& log)
      : loop_(loop), node_(node), limits_(limits), log_(log) {}
  // Ends all sessions.
  ~SnowServer();

  // Whoever may use the socket is let in from now on.
  void listen(AdminSocket socket);
  // Serves an EE that was given the other end of `socket`; its domains stand below `parent`.
  // Errors: kLimit (64 EEs are connected).
  Result<void> serve(OwnedFd socket, an_Domain parent, const std::string& name);

 private:
  struct Served {
    std::string name;
    snow::Session session;
  };

  void accept();
  void ready(int fd);

  ControlLoop& loop_;
  GeniNode& node_;
  const snow::SessionLimits limits_;
  Logger& log_;
  std::optional<AdminSocket> socket_;
  std::map<int, std::unique_ptr<Served>> served_;  // by descriptor
};

}  // namespace weft
