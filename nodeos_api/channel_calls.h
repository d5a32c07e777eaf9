// SPDX-License-Identifier: Apache-2.0
// The calls on channels that are one and the same on both sides of Snow: `T` is the side's kind of
// channel.
//
// Threads: any; the calls are made on the worker.
#pragma once

#include <span>

#include "nodeos_api/domain.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"

namespace weft {

template <typename T>
size_t send_vector(an_OutChan c, an_Packet* packets, size_t count) {
  if (on_own_thread()) return handed_over([&] { return send_vector<T>(c, packets, count); });
  T* channel = find<T>(c);
  if (channel == nullptr) return 0;
  if (packets == nullptr) {
    fail(AN_EINVAL, "no packets");
    return 0;
  }
  const std::span<Packet* const> all(reinterpret_cast<Packet* const*>(packets), count);
  return channel->domain().node().carry([&] { return channel->send(all); });
}

// `Function`: for vectors, with views or without.
template <typename T, typename Function>
int deliver_by(an_InChan c, Function deliverfunc, void* deliverarg) {
  if (on_own_thread()) return handed_over([&] { return deliver_by<T>(c, deliverfunc, deliverarg); });
  T* channel = find<T>(c);
  if (channel == nullptr) return an_errno();
  if (deliverfunc == nullptr) return fail(AN_EINVAL, "a channel cannot deliver without a function");
  return channel->domain().node().carry([&]() -> int {
    channel->deliver_to({deliverfunc, deliverarg});
    return AN_OK;
  });
}

}  // namespace weft
