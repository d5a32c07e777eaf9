// SPDX-License-Identifier: Apache-2.0
// AdminServer: serves the admin protocol to many clients at once.
//
// No client can stall the loop or make it grow: sockets do not block, a request is
// bounded, a client that does not read is not read from, and a stream that a client
// reads too slowly loses records (and says how many).
//
// Threads: the control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/line_buffer.h"
#include "admin/protocol.h"
#include "tools/weftd/admin_socket.h"
#include "tools/weftd/control_loop.h"

namespace weft {

class AdminSession;

// What goes on after a request was answered: a trace, a capture.
class AdminStream {
 public:
  virtual ~AdminStream() = default;
  // Sends what has come up since the last time.  False when the stream is over; it
  // has then sent its end.
  virtual bool pump(AdminSession& session) = 0;
};

class AdminSession {
 public:
  AdminSession(OwnedFd socket) : socket_(std::move(socket)) {}

  // One line to the client.
  void send(const admin::Json& message) { out_ += admin::to_line(message); }
  // Whether the client is behind by more than a stream may leave it.
  bool congested() const { return out_.size() > kStreamBacklog; }
  void start(std::unique_ptr<AdminStream> stream) { stream_ = std::move(stream); }

 private:
  friend class AdminServer;
  static constexpr size_t kStreamBacklog = 256 * 1024;  // bytes

  OwnedFd socket_;
  admin::LineBuffer in_{admin::kMaxRequest};
  std::string out_;
  size_t sent_ = 0;  // of out_
  std::unique_ptr<AdminStream> stream_;
  bool ended_ = false;  // the client sends no more
};

class AdminServer {
 public:
  static constexpr size_t kMaxSessions = 64;

  // Answers a request: sends one reply, and may start a stream.
  using Handler = std::function<void(AdminSession& session, const admin::Json& request)>;

  AdminServer(AdminSocket socket, ControlLoop& loop, Handler handler);
  ~AdminServer();

 private:
  using Sessions = std::vector<std::unique_ptr<AdminSession>>;

  void accept();
  void ready(AdminSession& session, uint32_t events);
  // Each returns false when the client is gone, or is to be sent away.
  bool read(AdminSession& session);
  bool answer(AdminSession& session);
  bool write(AdminSession& session);
  bool pump(AdminSession& session);
  void pump_streams();
  // Ends the session, or says what it waits for.
  void settle(AdminSession& session, bool alive);

  AdminSocket socket_;
  ControlLoop& loop_;
  Handler handler_;
  Sessions sessions_;
  uint32_t tick_ = 0;
  bool ticking_ = false;
};

}  // namespace weft
