// SPDX-License-Identifier: Apache-2.0
// Time and the node's features, at the C border.
#include <ctime>
#include <string_view>

#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/policies.h"

namespace weft {

namespace {

struct Feature {
  std::string_view name;
  uint64_t value;
};

// What a contiguous piece of a packet can hold, and push can take in a fresh one.
constexpr Feature kFeatures[] = {
    {"api", AN_VERSION},
    {"create_on_worker", 0},
    {"vector", Pvec::kCapacity},
    {"packet_contiguous", Packet::kRoom - Packet::kHeadroom},
    {"packet_headroom", Packet::kHeadroom - Packet::kReserved},
    {"workers", 1},
    {"credentials", 1},
    {"send_addresses", 1},
    {"handoff", 1},
    {"connect", 1},
    {"exact_queues", 1},
    {"file_transfer", AN_FILE_TRANSFER},
    {"page_size", kPageSize},
};

uint64_t nanoseconds(const timespec& t) { return uint64_t(t.tv_sec) * 1'000'000'000 + uint64_t(t.tv_nsec); }

// The node and its clock may be gone with the domain.
uint64_t now_of(const Thread& thread) {
  if (!thread.ended()) return thread.clock().now_ns();
  fail(AN_EDEAD, kThreadEnded);
  return 0;
}

uint64_t no_clock() {
  fail(AN_EINVAL, "there is no such clock");
  return 0;
}

}  // namespace

int node_info(const char* feature, uint64_t* value, bool in_process) {
  if (feature == nullptr || value == nullptr)
    return fail(AN_EINVAL, "a feature's name and a place for it are wanted");
  const std::string_view name = feature;
  if (name == "in_process" || name == "attach_copies") {
    *value = in_process == (name == "in_process");
    return AN_OK;
  }
  if (feature == std::string_view("files")) {
    const Node* node = Node::here();
    *value = node != nullptr && node->has_files();
    return AN_OK;
  }
  for (const Feature& f : kFeatures) {
    if (f.name != name) continue;
    *value = f.value;
    return AN_OK;
  }
  for (const PolicyOffer& policy : kPolicies) {
    if (policy.feature != name) continue;
    *value = policy.offered;
    return AN_OK;
  }
  return fail(AN_ENOENT, "no node knows a feature of that name");
}

}  // namespace weft

using namespace weft;

extern "C" {

uint64_t an_timeGet(an_Clock clock) {
  if (clock == AN_TIME_MONOTONIC) {
    if (on_own_thread()) return now_of(*running.thread);
    const Node* node = Node::here();
    return node != nullptr ? node->clock().now_ns() : SystemClock().now_ns();
  }
  if (clock != AN_TIME_WALL) return no_clock();
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

uint64_t an_timeGetRes(an_Clock clock) {
  if (clock != AN_TIME_MONOTONIC && clock != AN_TIME_WALL) return no_clock();
  timespec resolution;
  ::clock_getres(clock == AN_TIME_WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC, &resolution);
  return nanoseconds(resolution);
}

}  // extern "C"
