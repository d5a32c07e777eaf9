// SPDX-License-Identifier: Apache-2.0
// Client: one conversation with weftd.
//
// Threads: one; calls block.
#pragma once

#include <optional>
#include <string>

#include "admin/line_buffer.h"
#include "admin/protocol.h"
#include "base/owned_fd.h"

namespace weft::admin {

class Client {
 public:
  // Connects and shakes hands.
  // Errors: kNotFound (no weftd there), kPermission, kUnsupported (no protocol in common), kIo.
  static Result<Client> connect(const std::string& socket);

  // Sends a request ("v" is added) and waits for its answer's "data".
  // Errors: what weftd answered; kIo when it went away.
  Result<Json> ask(Json request);

  // The next line of a stream; nothing when `interrupted` became readable first.
  Result<std::optional<Json>> next(int interrupted = -1);

 private:
  explicit Client(OwnedFd socket) : socket_(std::move(socket)) {}

  OwnedFd socket_;
  LineBuffer lines_{kMaxReply};
};

}  // namespace weft::admin
