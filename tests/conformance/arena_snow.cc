// SPDX-License-Identifier: Apache-2.0
// The arena over Snow: the suite is an EE in this process, the node runs in another
// (arena_node.cc).
//
// With WEFT_ARENA_THREAD=1 both workers have threads of their own; without, rounds are run by
// arena_settle().
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "nodeos_api/snow/snow_node.h"
#include "tests/conformance/arena.h"
#include "tests/conformance/arena_wire.h"
#include "tests/conformance/take_turns.h"

using namespace weft;
using namespace weft::arena_wire;

struct arena {
  bool threaded = std::getenv("WEFT_ARENA_THREAD") != nullptr;
  ManualClock clock;
  OwnedFd orders;
  pid_t process = -1;
  std::unique_ptr<snow::SnowNode> node;
  std::string files_root;
  std::string socket;  // where the node listens, when the suite has left it

  uint64_t order(Do what, const char* port, uint64_t value, const void* bytes = nullptr, size_t length = 0,
                 void* into = nullptr) {
    std::string message(sizeof(Order) + length, '\0');
    Order order{what, {}, value};
    std::strncpy(order.port, port, sizeof order.port - 1);
    std::memcpy(message.data(), &order, sizeof order);
    if (length > 0) std::memcpy(message.data() + sizeof order, bytes, length);
    if (::send(orders.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) return UINT64_MAX;
    message.resize(kMaxMessage);
    const ssize_t n = ::recv(orders.get(), message.data(), message.size(), 0);
    Answer answer{UINT64_MAX};
    if (n < ssize_t(sizeof answer)) return UINT64_MAX;
    std::memcpy(&answer, message.data(), sizeof answer);
    if (into != nullptr) std::memcpy(into, message.data() + sizeof answer, size_t(n) - sizeof answer);
    return answer.value;
  }
};

namespace {

std::string node_program() {
  char self[4096];
  const ssize_t n = ::readlink("/proc/self/exe", self, sizeof self);
  return std::string(self, n > 0 ? size_t(n) : 0) + "_node";
}

// Only calls that a forked child may make.
[[noreturn]] void become_node(const char* program, int orders, int snow) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Out of the way first: either may be where the other goes.
  const int a = ::fcntl(orders, F_DUPFD, 16), b = ::fcntl(snow, F_DUPFD, 16);
  ::dup2(a, kControl);
  ::dup2(b, kSnow);
  ::close(a);
  ::close(b);
  ::execl(program, program, nullptr);
  ::_exit(127);
}

}  // namespace

extern "C" {

arena* arena_start(void) {
  int orders[2], sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) != 0 ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return nullptr;
  }
  auto world = std::make_unique<arena>();
  world->orders = OwnedFd(orders[0]);
  OwnedFd mine(sockets[0]), their_orders(orders[1]), theirs(sockets[1]);
  const std::string program = node_program();
  world->process = ::fork();
  if (world->process == 0) become_node(program.c_str(), their_orders.get(), theirs.get());
  theirs.reset();
  auto node = snow::SnowNode::join(std::move(mine),
                                   {.clock = &world->clock, .thread = world->threaded, .linger_ns = 0});
  if (!node) {
    ::kill(world->process, SIGKILL);
    ::waitpid(world->process, nullptr, 0);
    return nullptr;
  }
  world->node = std::move(*node);
  world->files_root.resize(kMaxMessage);
  world->files_root.resize(world->order(Do::kFiles, "", 0, nullptr, 0, world->files_root.data()));
  return world.release();
}

size_t arena_stop(arena* world) {
  size_t missing = world->order(Do::kStop, "", 0);
  if (world->node) {
    world->node->listen(1000);
    world->node.reset();  // its pools check that they are full
  }
  int status = 0;
  ::waitpid(world->process, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) missing = SIZE_MAX;
  delete world;
  return missing;
}

// What the suite wrote before is the worker's to read when the packet comes: that the packet was
// on its way through another process meanwhile is no order that a sanitizer sees.
void arena_inject(arena* world, const char* port, const void* bytes, size_t length) {
  world->node->worker().call([] {});
  world->order(Do::kInject, port, length, bytes, length);
}

size_t arena_take(arena* world, const char* port, void* bytes, size_t room) {
  return world->order(Do::kTake, port, room, nullptr, 0, bytes);
}

const char* arena_files(arena* world) { return world->files_root.c_str(); }

const char* arena_leave(arena* world) {
  world->node.reset();
  world->socket = world->files_root + ".sock";
  world->order(Do::kListen, "", world->socket.size(), world->socket.data(), world->socket.size());
  return world->socket.c_str();
}

void arena_socket(arena* world, char* text, size_t room) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  world->socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  std::snprintf(text, room, "%d", fd);  // it is the library's
}

void arena_hang_up(arena* world) { world->order(Do::kHangUp, "", 0); }

// What crosses once, and is answered, crosses twice.
void arena_settle(arena* world) {
  for (int crossings = 0; crossings < 2; ++crossings) {
    world->order(Do::kSettle, "", 0);
    take_turns(*world->node, world->threaded, 4);
  }
  world->order(Do::kSettle, "", 0);
}

// What was sent before the clocks move is of the time before.
void arena_advance(arena* world, uint64_t ns) {
  arena_settle(world);
  world->clock.advance_ns(ns);
  world->order(Do::kAdvance, "", ns);
  arena_settle(world);
}

void arena_pass(arena* world, uint64_t ns) { world->clock.advance_ns(ns); }

void arena_elsewhere(void (*f)(void*), void* arg) { std::thread(f, arg).join(); }

}  // extern "C"
