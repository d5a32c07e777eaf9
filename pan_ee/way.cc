// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/way.h"

#include <algorithm>

#include "pan_ee/capsule.h"

namespace weft::pan {

namespace {

an_DropReason lose(an_Packet capsule, an_DropReason reason) {
  an_packetDrop(capsule, reason);
  return reason;
}

// Why a capsule is let go that was evaluated.
an_DropReason reason_of(const Environment& env) {
  if (env.verdict() == Environment::Verdict::kDrop) return env.reason();
  if (env.verdict() != Environment::Verdict::kStopped) return AN_DROP_DISCARD;
  switch (env.fault()) {
    case vm::Fault::kBudget:
      return AN_DROP_CODE_BUDGET;
    case vm::Fault::kRefused:
      return AN_DROP_CODE_REFUSED;
    default:
      return AN_DROP_CODE_FAULT;
  }
}

}  // namespace

bool Way::add_neighbour(const NodeAddress& address, const std::string& carrier) {
  auto neighbour = std::make_unique<Neighbour>(address, carrier);
  if (!routes_.add({address, 128}, *neighbour)) return false;
  neighbours_.push_back(std::move(neighbour));
  return true;
}

void Way::receive(an_Packet* capsules, const an_PacketView* views, size_t count) {
  while (count > 0) {
    const size_t some = std::min(count, kBatch);
    pass(capsules, views, some, received_.data());
    capsules += some;
    views += some;
    count -= some;
  }
}

std::optional<an_DropReason> Way::insert(an_Packet capsule) {
  Environment env(false);
  an_PacketView view{};  // of no packet, it is too short
  an_packetGetViewVec(&capsule, 1, &view);
  const Lost lost = pass(&capsule, &view, 1, &env);
  return lost == kNot ? std::nullopt : std::optional(lost);
}

// In steps over the vector: what a later step needs of the memory is on its way, and no
// capsule waits for what becomes of the one before.
Way::Lost Way::pass(an_Packet* capsules, const an_PacketView* views, size_t count, Environment* in_hand) {
  Lost lost = kNot;
  const Environment* const end = admit(capsules, views, count, in_hand, lost);
  evaluate(in_hand, end);
  for (const Environment* env = in_hand; env != end; ++env) {
    if (const Lost why = act(*env); why != kNot) [[unlikely]]
      lost = why;
  }
  leave();
  return lost;
}

// --- admit ---------------------------------------------------------------------

Environment* Way::admit(an_Packet* capsules, const an_PacketView* views, size_t count, Environment* in_hand,
                        Lost& lost) const {
  Environment* env = in_hand;
  for (const an_PacketView* view = views; view != views + count; ++view, ++capsules) {
    if (!admit_usual(*capsules, *view, *env)) [[unlikely]] {
      if (const Lost why = admit_any(*capsules, *view, *env); why != kNot) {
        lost = lose(*capsules, why);
        continue;
      }
    }
    env->code().prefetch();
    ++env;
  }
  return env;
}

[[gnu::always_inline]] inline bool Way::admit_usual(an_Packet capsule, const an_PacketView& view,
                                                    Environment& env) const {
  if (view.front_length < capsule::kHeader || !view.writable || view.front_length != view.length) [[unlikely]]
    return false;
  uint8_t* const header = view.front;
  if (!capsule::begins_well(header, view.length)) [[unlikely]]
    return false;
  LoadedCode* const code = code_.find(header + capsule::kName);
  if (code == nullptr) [[unlikely]]
    return false;
  const uint32_t body = view.length - uint32_t{capsule::kHeader};
  env.begin(capsule, header, body, std::min(body, code->window()), *code);
  return true;
}

[[gnu::noinline]] Way::Lost Way::admit_any(an_Packet& capsule, const an_PacketView& view,
                                           Environment& env) const {
  uint8_t* header = view.front;
  if (view.front_length < capsule::kHeader) {
    if (view.length < capsule::kHeader) return AN_DROP_MALFORMED;
    header = static_cast<uint8_t*>(an_packetGetData(&capsule, capsule::kHeader));
    if (header == nullptr) return AN_DROP_NO_PACKET;
  }
  const capsule::Fault fault = capsule::check(header, view.length);
  if (fault != capsule::Fault::kNone) {
    return fault == capsule::Fault::kTtl ? AN_DROP_TTL : AN_DROP_MALFORMED;
  }
  LoadedCode* const code = code_.find(header + capsule::kName);
  if (code == nullptr) return AN_DROP_CODE_UNKNOWN;
  const uint32_t length = capsule::length(header), body = length - uint32_t{capsule::kHeader};
  if (length < view.length) an_packetTrim(capsule, length);
  const uint32_t at_hand = std::min(body, code->window());
  header = static_cast<uint8_t*>(an_packetGetData(&capsule, capsule::kHeader + at_hand));
  if (header == nullptr) return AN_DROP_NO_PACKET;
  env.begin(capsule, header, body, at_hand, *code);
  return kNot;
}

// --- evaluate ------------------------------------------------------------------

inline void Way::evaluate(Environment* begin, const Environment* end) const {
  vm::Instance::Calls calls;
  const uint32_t budget = budget_;
  for (Environment* env = begin; env != end; ++env) env->code().evaluate(*env, calls, budget);
}

// --- act -----------------------------------------------------------------------

inline Way::Lost Way::act(const Environment& env) {
  if (env.verdict() == Environment::Verdict::kSend) [[likely]]
    return send(env);
  if (env.verdict() != Environment::Verdict::kDeliver) return lose(env.capsule(), reason_of(env));
  Application* const application = env.code().application();
  if (application == nullptr) return lose(env.capsule(), AN_DROP_NO_APPLICATION);
  application->deliver(env.capsule());
  return kNot;
}

// A capsule that comes from another node leaves with a TTL that is one lower; one of an
// application leaves with the TTL that it was given.
inline Way::Lost Way::send(const Environment& env) {
  Neighbour* const neighbour = routes_.find(env.destination()[0], env.destination()[1]);
  if (neighbour == nullptr) [[unlikely]]
    return lose(env.capsule(), AN_DROP_NO_NEIGHBOUR);
  if (env.from_network() && !capsule::lower_ttl(env.header())) [[unlikely]]
    return lose(env.capsule(), AN_DROP_TTL);
  // (A capsule that an application inserts meanwhile is not in the way: it was handed one, and
  // lets all leave.)
  *neighbour->end++ = env.capsule();
  return kNot;
}

// --- leave ---------------------------------------------------------------------

void Way::leave() {
  for (const auto& neighbour : neighbours_) {
    an_Packet* const batch = neighbour->batch.data();
    const size_t leaving = size_t(neighbour->end - batch);
    if (leaving == 0) continue;
    size_t sent = an_outchanSendVec(neighbour->channel, batch, leaving);
    for (; sent < leaving; ++sent) lose(batch[sent], AN_DROP_QUEUE_FULL);
    neighbour->end = batch;
  }
}

}  // namespace weft::pan
