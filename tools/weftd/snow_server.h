// SPDX-License-Identifier: Apache-2.0
// SnowServer: lets EEs in other processes in, and serves them until they go.  Who comes and goes is
// said in the log, unless it is too much (line_limit.h): then, how much was not said.
//
// Threads: the control thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "nodeos_api/file_spaces.h"
#include "nodeos_api/snow/session.h"
#include "tools/weftd/admin_socket.h"
#include "tools/weftd/control_loop.h"
#include "tools/weftd/line_limit.h"

namespace weft {

class SnowServer {
 public:
  static constexpr size_t kMaxSessions = 64;

  // What each EE may have.
  struct Each {
    snow::SessionLimits limits;
    FileSpaces* spaces;  // null: none has files
    FileQuota files;
  };

  SnowServer(ControlLoop& loop, GeniNode& node, const Each& each, Logger& log)
      : loop_(loop), node_(node), each_(each), log_(log), limit_(node.clock()) {}
  // Ends all sessions.
  ~SnowServer();

  // Whoever may use the socket is let in from now on.
  void listen(AdminSocket socket);

 private:
  struct Served {
    Credential* cred;  // null: its domains are as the node's own
    snow::Session session;
  };

  void accept();
  // What the domains of an EE of that user have; null: nothing of their own.
  Credential* credential_of(uid_t user);
  void ready(int fd);
  // Whether it may be said what comes or goes.
  bool may_say();
  void say_lost();

  ControlLoop& loop_;
  GeniNode& node_;
  const Each each_;
  Logger& log_;
  LineLimit limit_;
  std::optional<AdminSocket> socket_;
  std::map<int, std::unique_ptr<Served>> served_;  // by descriptor
};

}  // namespace weft
