// SPDX-License-Identifier: Apache-2.0
// Ping: the application side of the code object "ping" (code/ping.c, which describes the
// body): sends pings, and waits for the capsules that come back.
//
// Threads: attach(), send() and stop() from the control thread, deliver() on the worker.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <vector>

#include "pan_ee/address.h"
#include "pan_ee/application.h"

namespace weft::pan {

class LoadedCode;
class Node;

class Ping final : public Application {
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
      kNoCode,    // this node has no code object "ping"
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

  // The code is loaded: its capsules are this one's.
  void attach();
  void deliver(an_Packet capsule) override;

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
  // Whether somebody waits for that capsule, and was told.
  bool answer(const uint8_t* body, size_t body_length);
  // Frees the place and tells who waited there.
  static void finish(Waiting& waiting, Reply reply);

  Node& node_;
  const LoadedCode* code_ = nullptr;          // null: this node has none
  std::array<Waiting, kMaxWaiting> waiting_;  // the worker's
  std::mutex mutex_;
  std::vector<Queued> queued_;  // on their way from the control thread to the worker
};

const char* sentence(Ping::Reply::Status status);

}  // namespace weft::pan
