// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/active_ping.h"

#include "base/spsc_ring.h"

namespace weft {

namespace {

using admin::Json;
using Replies = SpscRing<pan::Ping::Reply>;

constexpr uint64_t kMillisecond = 1'000'000;  // ns
constexpr size_t kReplies = 1024;             // more than can be under way

struct PingWish {
  pan::Ping::Request request;
  uint64_t count;
  uint64_t interval_ns;
};

Json json_of(const pan::Ping::Reply& reply) {
  Json record{{"sequence", reply.sequence}};
  if (reply.status == pan::Ping::Reply::kAnswered) {
    record.update({{"status", "answered"},
                   {"rtt_ns", reply.rtt_ns},
                   {"hops_out", reply.hops_out},
                   {"hops_back", reply.hops_back},
                   {"payload", reply.payload}});
  } else {
    record["status"] = sentence(reply.status);
  }
  return record;
}

class ActivePing final : public AdminStream {
 public:
  ActivePing(Assembly& node, const PingWish& wish)
      : node_(node), wish_(wish), due_ns_(node.clock().now_ns()) {}

  bool pump(AdminSession& session) override {
    send_if_due();
    pan::Ping::Reply reply;
    while (replies_->try_pop(reply)) {
      ++heard_;
      answered_ += reply.status == pan::Ping::Reply::kAnswered;
      session.send(json_of(reply));
    }
    if (sent_ < wish_.count || heard_ < sent_) return true;
    session.send(admin::end_of_stream({{"sent", sent_}, {"answered", answered_}}));
    return false;
  }

 private:
  void send_if_due() {
    const uint64_t now = node_.clock().now_ns();
    if (sent_ == wish_.count || now < due_ns_) return;
    due_ns_ += wish_.interval_ns;
    wish_.request.sequence = uint32_t(++sent_);
    // The stream may be gone when the reply comes; the ring is not.
    const auto told = [replies = replies_](const pan::Ping::Reply& reply) {
      replies->try_push(pan::Ping::Reply(reply));
    };
    if (node_.pan() != nullptr && node_.pan()->ping().send(wish_.request, told)) return;
    told({.status = pan::Ping::Reply::kStopped, .sequence = wish_.request.sequence});
  }

  Assembly& node_;
  PingWish wish_;
  const std::shared_ptr<Replies> replies_ = std::make_shared<Replies>(kReplies);
  uint64_t due_ns_;
  uint64_t sent_ = 0, heard_ = 0, answered_ = 0;
};

Result<PingWish> read_wish(const Json& request) {
  const auto text = admin::text_of(request, "node");
  if (!text) return text.error();
  const auto destination = pan::parse_address(*text);
  if (!destination) {
    return Error{Code::kInvalid,
                 "'" + *text + "' is not the address of an active node, as 10.0.0.1 or 127.0.0.1:4000"};
  }
  const auto count = admin::number_of(request, "count", 4, 1'000'000);
  const auto interval = admin::number_of(request, "interval_ms", 1000, 3'600'000);
  const auto payload = admin::number_of(request, "payload", 56, pan::Ping::kMaxPayload);
  const auto timeout = admin::number_of(request, "timeout_ms", 1000, 60'000);
  for (const auto* number : {&count, &interval, &payload, &timeout}) {
    if (!*number) return number->error();
  }
  return PingWish{
      .request = {.destination = *destination, .payload = *payload, .timeout_ns = *timeout * kMillisecond},
      .count = *count,
      .interval_ns = *interval * kMillisecond};
}

}  // namespace

void start_ping(AdminSession& session, Assembly& node, const Json& request) {
  if (node.pan() == nullptr)
    return session.send(admin::failed("this node is not active: its config has no [pan]"));
  const auto wish = read_wish(request);
  if (!wish) return session.send(admin::failed(wish.error().sentence));
  session.send(
      admin::ok({{"node", to_text(wish->request.destination)}, {"from", to_text(node.pan()->address())}}));
  session.start(std::make_unique<ActivePing>(node, *wish));
}

}  // namespace weft
