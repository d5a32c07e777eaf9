// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/ping.h"

#include <algorithm>
#include <random>

#include "pan_ee/capsule.h"
#include "pan_ee/node.h"

namespace weft::pan {

namespace {

constexpr size_t kDestination = 0, kSource = 16, kHopsOut = 34, kHopsBack = 36, kSequence = 40, kCookie = 44;

template <typename T>
T load_be(const uint8_t* p) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = T(value << 8 | p[i]);
  return value;
}
template <typename T>
void store_be(uint8_t* p, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) p[i] = uint8_t(value >> (8 * (sizeof(T) - 1 - i)));
}

// A place of the table in the low byte, so that a reply finds it; the rest is chance.
uint64_t cookie_for(size_t place) {
  static_assert(Ping::kMaxWaiting == 256);
  std::random_device chance;
  const uint64_t random = uint64_t{chance()} << 32 | chance();
  return (random & ~uint64_t{0xff}) | uint64_t{1} << 63 | place;
}

}  // namespace

const char* sentence(Ping::Reply::Status status) {
  switch (status) {
    case Ping::Reply::kAnswered:
      return "answered";
    case Ping::Reply::kTimedOut:
      return "no answer in time";
    case Ping::Reply::kNoRoute:
      return "no way to that node";
    case Ping::Reply::kNoPacket:
      return "the packet pool is empty";
    case Ping::Reply::kTooMany:
      return "too many pings are under way";
    case Ping::Reply::kStopped:
      return "the node stops";
    case Ping::Reply::kNoCode:
      return "this node has no code object 'ping'";
  }
  return "?";
}

Ping::Ping(Node& node) : node_(node) {
  for (Waiting& w : waiting_) w.ping = this;
}

void Ping::attach() {
  LoadedCode* const code = node_.find_code("ping");
  if (code != nullptr) code->attach(this);
  code_ = code;
}

void Ping::deliver(an_Packet capsule) {
  const size_t length = an_packetGetLength(capsule);
  const auto* header = static_cast<const uint8_t*>(an_packetGetData(&capsule, capsule::kHeader + kBody));
  const bool awaited = header != nullptr && answer(header + capsule::kHeader, length - capsule::kHeader);
  an_packetDrop(capsule, awaited ? AN_DROP_CONSUMED : AN_DROP_DISCARD);
}

bool Ping::answer(const uint8_t* body, size_t body_length) {
  const auto cookie = load_be<uint64_t>(body + kCookie);
  Waiting& waiting = waiting_[cookie % kMaxWaiting];
  const size_t payload = body_length - kBody;
  // Late, or not ours.
  if (waiting.cookie != cookie || waiting.request.sequence != load_be<uint32_t>(body + kSequence) ||
      waiting.request.payload != payload) {
    return false;
  }
  an_eventCancel(waiting.timeout);
  finish(waiting, {.status = Reply::kAnswered,
                   .rtt_ns = an_timeGet(AN_TIME_MONOTONIC) - waiting.sent_ns,
                   .hops_out = load_be<uint16_t>(body + kHopsOut),
                   .hops_back = load_be<uint16_t>(body + kHopsBack),
                   .payload = payload});
  return true;
}

bool Ping::send(const Request& request, Callback callback) {
  if (node_.domain() == nullptr || request.payload > kMaxPayload || request.ttl == 0) return false;
  {
    std::lock_guard lock(mutex_);
    queued_.push_back({request, std::move(callback)});
  }
  if (an_eventSchedule(nullptr, node_.domain(), 0, 0, &Ping::start_queued, this) != nullptr) return true;
  std::lock_guard lock(mutex_);
  if (!queued_.empty()) queued_.pop_back();
  return false;
}

void Ping::start_queued(void* ping) {
  Ping& p = *static_cast<Ping*>(ping);
  std::vector<Queued> all;
  {
    std::lock_guard lock(p.mutex_);
    all.swap(p.queued_);
  }
  for (Queued& queued : all) p.start(std::move(queued));
}

void Ping::start(Queued queued) {
  const Request& request = queued.request;
  const auto refuse = [&](Reply::Status status) {
    queued.callback({.status = status, .destination = request.destination, .sequence = request.sequence});
  };
  if (code_ == nullptr) return refuse(Reply::kNoCode);
  auto place = std::find_if(waiting_.begin(), waiting_.end(), [](const Waiting& w) { return w.cookie == 0; });
  if (place == waiting_.end()) return refuse(Reply::kTooMany);

  constexpr size_t kFront = capsule::kHeader + kBody;
  an_Packet packet = an_packetAlloc(node_.domain(), kFront + request.payload);
  auto* bytes = packet != nullptr ? static_cast<uint8_t*>(an_packetGetData(&packet, kFront)) : nullptr;
  if (bytes == nullptr) {
    if (packet != nullptr) an_packetFree(packet);
    return refuse(Reply::kNoPacket);
  }
  const uint64_t cookie = cookie_for(size_t(place - waiting_.begin()));
  capsule::write(bytes, {request.ttl, uint32_t(kFront + request.payload), node_.address(), code_->name()});
  uint8_t* const body = bytes + capsule::kHeader;
  request.destination.write(body + kDestination);
  node_.address().write(body + kSource);
  store_be<uint32_t>(body + kSequence, request.sequence);
  store_be<uint64_t>(body + kCookie, cookie);

  an_Event timeout =
      an_eventSchedule(nullptr, node_.domain(), request.timeout_ns, 0, &Ping::timed_out, &*place);
  if (timeout == nullptr) {
    an_packetFree(packet);
    return refuse(Reply::kTooMany);
  }
  place->cookie = cookie;
  place->request = request;
  place->timeout = timeout;
  place->callback = std::move(queued.callback);
  place->sent_ns = an_timeGet(AN_TIME_MONOTONIC);
  const auto lost = node_.insert(packet);
  if (!lost || place->cookie != cookie) return;
  an_eventCancel(timeout);
  finish(*place, {.status = *lost == AN_DROP_NO_PACKET ? Reply::kNoPacket : Reply::kNoRoute});
}

void Ping::timed_out(void* waiting) { finish(*static_cast<Waiting*>(waiting), {.status = Reply::kTimedOut}); }

// The callback may send again, so the place is free before it is called.
void Ping::finish(Waiting& waiting, Reply reply) {
  reply.destination = waiting.request.destination;
  reply.sequence = waiting.request.sequence;
  waiting.cookie = 0;
  const Callback callback = std::move(waiting.callback);
  waiting.callback = nullptr;
  callback(reply);
}

void Ping::stop() {
  for (Waiting& waiting : waiting_) {
    if (waiting.cookie != 0) finish(waiting, {.status = Reply::kStopped});
  }
  std::vector<Queued> all;
  {
    std::lock_guard lock(mutex_);
    all.swap(queued_);
  }
  for (const Queued& queued : all) {
    queued.callback({.status = Reply::kStopped,
                     .destination = queued.request.destination,
                     .sequence = queued.request.sequence});
  }
}

}  // namespace weft::pan
