// SPDX-License-Identifier: Apache-2.0
// Kernel: follows the kernel's links, addresses, routes and neighbours by rtnetlink.
//
// First everything is dumped, then changes are told as they happen.  When the kernel
// had to throw changes away (a receive buffer overran), everything is dumped again;
// the listener compares that with what it knows, so what did not change stays.
//
// While routes are dumped, changes go on.  A change is always newer than the dump's
// word about the same route, so the dump's is then left out.
//
// Threads: the control thread.
#pragma once

#include <netlink/socket.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <unordered_set>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "routes/kernel_messages.h"

namespace weft {

enum class KernelTable : uint8_t { kLinks, kAddresses, kRoutes4, kRoutes6, kNeighbours };
constexpr size_t kKernelTables = 5;

class KernelListener {
 public:
  virtual ~KernelListener() = default;
  virtual void link_said(const LinkMessage& link) = 0;
  virtual void address_said(const AddressMessage& address) = 0;
  virtual void route_said(const RouteMessage& route, bool dumped) = 0;
  virtual void neighbour_said(const NeighbourMessage& neighbour) = 0;
  // Everything in `table` is being said again.
  virtual void dump_begins(KernelTable table) = 0;
  // What was not said since dump_begins() is no longer there.
  virtual void dump_ends(KernelTable table) = 0;
};

struct KernelStats {
  uint64_t changes = 0;   // messages about changes
  uint64_t dumped = 0;    // messages of dumps
  uint64_t dumps = 0;     // of one table, begun
  uint64_t overruns = 0;  // the receive buffer was too small for a burst of changes
};

class Kernel {
 public:
  // Of the network namespace of the calling thread.  `buffer_bytes`: room for changes
  // that wait to be read.
  // Errors: kIo, kPermission: one sentence.
  static Result<std::unique_ptr<Kernel>> open(KernelListener& listener, Clock& clock, size_t buffer_bytes);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Readable when service() has something to do.  An epoll descriptor.
  int fd() const { return epoll_.get(); }
  // Reads what waits, but not more than a few thousand messages.
  void service();
  // When service() has something to do though fd() is not readable.
  uint64_t next_due_ns() const { return retry_ns_; }

  // Dumps a table again.  Dumps follow one another in the order in which they are asked for.
  void resync(KernelTable table);
  void resync_all();
  // No dump is on its way or wanted.
  bool settled() const { return !dumping_ && wanted_.empty(); }

  // Tells the kernel that a neighbour is in use: it resolves or confirms it.  Leaves
  // permanent ones alone: NTF_USE would make the kernel forget them (since Linux 5.16).
  void use_neighbour(int ifindex, uint8_t family, const Address& address);

  const KernelStats& stats() const { return stats_; }

 private:
  struct FreeSocket {
    void operator()(nl_sock* s) const { nl_socket_free(s); }
  };
  using Socket = std::unique_ptr<nl_sock, FreeSocket>;

  // A route as far as the kernel tells routes apart.
  struct RouteId {
    Prefix prefix;
    uint32_t metric;
    bool local;
    friend bool operator==(const RouteId&, const RouteId&) = default;
  };
  struct RouteIdHash {
    size_t operator()(const RouteId& id) const noexcept;
  };

  Kernel(KernelListener& listener, Clock& clock) : listener_(listener), clock_(clock) {}
  static Result<Socket> connect();
  Result<void> subscribe(size_t buffer_bytes);

  enum class Got { kSome, kNothing, kOverrun };
  // Reads one datagram from `socket` into buffer_.
  Got receive(nl_sock* socket, size_t& length);
  void read_changes();
  void read_dump();
  void drain_answers();
  void start_next_dump();
  void end_dump(bool whole);
  void on_change(const nlmsghdr* message);
  void on_dumped(const nlmsghdr* message);
  void say(const nlmsghdr* message, bool dumped);
  void remember(const NeighbourMessage& neighbour);
  bool dumping(KernelTable table) const { return dumping_ == table; }

  KernelListener& listener_;
  Clock& clock_;
  Socket changes_, dumps_, questions_;
  OwnedFd epoll_;
  alignas(nlmsghdr) std::array<unsigned char, 65536> buffer_;
  RouteMessage route_;  // reused, for its vector

  std::optional<KernelTable> dumping_;
  uint32_t dump_seq_ = 0;
  bool interrupted_ = false;  // the kernel says that the dump may miss something
  std::deque<KernelTable> wanted_;
  std::unordered_set<RouteId, RouteIdHash> changed_;  // routes that changed while they are dumped
  uint64_t retry_ns_ = UINT64_MAX;                    // when to begin the next dump
  uint64_t pause_ns_;  // before the next dump after one that may miss something
  // What the kernel said of neighbours: by interface, family, address; whether permanent.
  std::map<std::tuple<int, uint8_t, Address>, bool> neighbours_;
  KernelStats stats_;
};

}  // namespace weft
