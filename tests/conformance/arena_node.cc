// SPDX-License-Identifier: Apache-2.0
// The node's process of the arena over Snow: an arena of its own (arena_inprocess.cc), one
// session, and orders from arena_snow.cc.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "nodeos_api/snow/session.h"
#include "tests/conformance/arena_inprocess.h"
#include "tests/conformance/arena_wire.h"

using namespace weft;
using namespace weft::arena_wire;

namespace {

void reply(uint64_t value, const void* bytes = nullptr, size_t length = 0) {
  std::vector<uint8_t> message(sizeof(Answer) + length);
  const Answer answer{value};
  std::memcpy(message.data(), &answer, sizeof answer);
  if (length > 0) std::memcpy(message.data() + sizeof answer, bytes, length);
  ::send(kControl, message.data(), message.size(), MSG_NOSIGNAL);
}

class NodeProcess {
 public:
  NodeProcess() : world_(arena_start()) { serve(OwnedFd(kSnow)); }

  int run() {
    while (world_ != nullptr) {
      pollfd ready[] = {{kControl, POLLIN, 0},
                        {session_ ? session_->fd() : -1, POLLIN, 0},
                        {session_ ? -1 : listener_.get(), POLLIN, 0}};
      if (session_ && session_->has_backlog()) ready[1].events |= POLLOUT;
      ::poll(ready, 3, -1);
      if (ready[2].revents != 0) serve(OwnedFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
      if (ready[1].revents != 0 && !session_->serve()) session_.reset();
      if (ready[0].revents != 0 && !obey()) break;
    }
    return 0;
  }

 private:
  // One at a time.
  void serve(OwnedFd socket) {
    session_.emplace(std::move(socket), node_of(*world_), node_of(*world_).root().handle(),
                     snow::SessionLimits{.packets_made = ARENA_PACKETS, .packets_received = 1024});
  }
  void listen(std::string_view path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = OwnedFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 4) != 0) {
      std::abort();
    }
  }

  bool obey() {
    const ssize_t n = ::recv(kControl, message_.data(), message_.size(), 0);
    if (n < ssize_t(sizeof(Order))) return false;
    Order order;
    std::memcpy(&order, message_.data(), sizeof order);
    switch (order.what) {
      case Do::kInject:
        arena_inject(world_, order.port, message_.data() + sizeof order, order.value);
        reply(0);
        break;
      case Do::kTake: {
        std::vector<uint8_t> bytes(order.value);
        const size_t length = arena_take(world_, order.port, bytes.data(), bytes.size());
        reply(length, bytes.data(), std::min<size_t>(length, bytes.size()));
        break;
      }
      case Do::kSettle:
        arena_settle(world_);
        reply(0);
        break;
      case Do::kAdvance:
        arena_advance(world_, order.value);
        reply(0);
        break;
      case Do::kFiles: {
        const std::string_view root = arena_files(world_);
        reply(root.size(), root.data(), root.size());
        break;
      }
      case Do::kListen:
        listen({reinterpret_cast<const char*>(message_.data()) + sizeof order, order.value});
        reply(0);
        break;
      case Do::kHangUp:
        session_.reset();
        reply(0);
        break;
      case Do::kStop:
        session_.reset();
        reply(arena_stop(std::exchange(world_, nullptr)));
        break;
    }
    return true;
  }

  arena* world_;
  std::optional<snow::Session> session_;
  OwnedFd listener_;
  std::vector<uint8_t> message_ = std::vector<uint8_t>(kMaxMessage);
};

}  // namespace

int main() { return NodeProcess().run(); }
