// SPDX-License-Identifier: Apache-2.0
// Ping: an active ping.  Its capsule is evaluated at every node on the way; the
// destination turns it round; the node that sent it hands it to whoever waits.
//
// It has two sides: the code object, which every node has under the same name, and the
// application side, which sends pings and waits for them.  (The code object is built
// in until nodes run programs from the network.)
//
//   body    bytes
//      0      16  destination
//     16      16  source
//     32       1  direction: 0 outward, 1 back
//     33       1  zero
//     34       2  nodes passed outward, the destination among them
//     36       2  nodes passed on the way back, the source among them
//     38       2  zero
//     40       4  sequence number
//     44       8  cookie: who waits at the source; not to be guessed
//     52          payload
//
// Threads: send() and stop() from the control thread, accept() on the worker.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <vector>

#include "pan_ee/code_object.h"

namespace weft::pan {

class Node;

class Ping final : public CodeObject {
 public:
  static constexpr size_t kBody = 52;
  static constexpr size_t kMaxWaiting = 256;
  static constexpr size_t kMaxPayload = 65535 - 64 - kBody;

  struct Request {
    NodeAddress destination;
    uint32_t sequence = 0;
    size_t payload = 56;  // bytes, 0 .. kMaxPayload
    uint64_t timeout_ns = 1'000'000'000;
    uint16_t ttl = 128;  // nodes that may send it on, there and back
  };
  struct Reply {
    enum Status : uint8_t {
      kAnswered,
      kTimedOut,
      kNoRoute,   // this node knows no way
      kNoPacket,  // the packet pool is empty
      kTooMany,   // kMaxWaiting pings are under way
      kStopped,   // the node stops
    };
    Status status = kAnswered;
    NodeAddress destination;
    uint32_t sequence = 0;
    uint64_t rtt_ns = 0;    // kAnswered
    uint16_t hops_out = 0;  // nodes passed, likewise
    uint16_t hops_back = 0;
    size_t payload = 0;  // bytes that came back
  };
  using Callback = std::function<void(const Reply&)>;

  explicit Ping(Node& node);

  // Sends one ping.  `callback` is called once, on the worker: it must not block, and may
  // not create or destroy objects of the node.  (When the node stops: on the control
  // thread.)  False, and `callback` is dropped, when the node has stopped, or the payload
  // or the TTL is out of range.  [control]
  bool send(const Request& request, Callback callback);
  // The domain has ended: everyone who waits is told.
  void stop();

  // --- the code object ---
  const CodeName& name() const override { return name_; }
  std::string_view symbolic_name() const override { return "ping"; }
  size_t window() const override { return kBody; }
  void accept(Environment& env) override;

 private:
  struct Waiting {
    Ping* ping = nullptr;
    uint64_t cookie = 0;  // 0: free
    Request request;
    uint64_t sent_ns = 0;
    an_Event timeout = nullptr;
    Callback callback;
  };
  struct Queued {
    Request request;
    Callback callback;
  };

  static void start_queued(void* ping);
  static void timed_out(void* waiting);
  void start(Queued queued);
  void answered(Environment& env);
  // Frees the place and tells who waited there.
  static void finish(Waiting& waiting, Reply reply);

  Node& node_;
  const CodeName name_;
  std::array<Waiting, kMaxWaiting> waiting_;  // the worker's
  std::mutex mutex_;
  std::vector<Queued> queued_;  // on their way from the control thread to the worker
};

const char* sentence(Ping::Reply::Status status);

}  // namespace weft::pan
