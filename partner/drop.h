// SPDX-License-Identifier: Apache-2.0
// drop(): the one function in which a packet dies without being transmitted.
//
// The reasons are a closed list: the CLI, metrics, tests and traces all read it.
//
// Threads: as Counter.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/counter.h"
#include "partner/packet.h"

namespace weft {

// name, sentence.  RFC clauses stand at the checks.
#define WEFT_DROP_REASONS(X)                                                               \
  /* links */                                                                              \
  X(kTooShort, "too_short", "shorter than its headers say")                                \
  X(kBadLength, "bad_length", "a length field contradicts the frame")                      \
  X(kUnknownProtocol, "unknown_protocol", "no path for this protocol")                     \
  X(kNotForUs, "not_for_us", "link address of another host")                               \
  X(kMartianSource, "martian_source", "source address that must not be seen here")         \
  X(kMartianDestination, "martian_destination", "destination that must not be forwarded")  \
  X(kBadVersion, "bad_version", "IP version field contradicts the link")                   \
  X(kBadHeaderLength, "bad_header_length", "IP header length below 20 or past the end")    \
  X(kBadChecksum, "bad_checksum", "checksum does not verify")                              \
  X(kBadOptions, "bad_options", "malformed options or extension headers")                  \
  X(kTtlExpired, "ttl_expired", "TTL or hop limit reached zero")                           \
  X(kNoRoute, "no_route", "no route to the destination")                                   \
  X(kProhibited, "prohibited", "route says prohibit or blackhole")                         \
  X(kTooBig, "too_big", "larger than the link's MTU and must not be fragmented")           \
  X(kNeighbourPending, "neighbour_pending", "queue for an unresolved neighbour is full")   \
  X(kNeighbourFailed, "neighbour_failed", "neighbour did not answer")                      \
  X(kForKernel, "for_kernel", "addressed to the kernel of this machine, which has it too") \
  X(kNoListener, "no_listener", "addressed to the node, but no path takes it")             \
  X(kReassemblyTimeout, "reassembly_timeout", "fragments missing after the time allowed")  \
  X(kReassemblyLimit, "reassembly_limit", "fragments over the bound on memory")            \
  X(kFragmentOverlap, "fragment_overlap", "fragments that overlap")                        \
  X(kReassembled, "reassembled", "fragment that became part of a whole packet")            \
  X(kRateLimited, "rate_limited", "over the rate that is allowed")                         \
  X(kConsumed, "consumed", "control message that was acted on")                            \
  /* paths and partners */                                                                 \
  X(kInQueueFull, "in_queue_full", "the path's in queue was full")                         \
  X(kOutQueueFull, "out_queue_full", "the path's out queue was full")                      \
  X(kAccountEmpty, "account_empty", "the path's account has nothing left")                 \
  X(kPathClosed, "path_closed", "the path was closed while holding it")                    \
  X(kNoPath, "no_path", "demux found no path")                                             \
  X(kPartnerRefused, "partner_refused", "the partner took it not")                         \
  X(kPartnerDown, "partner_down", "the device is down or gone")                            \
  X(kDeviceError, "device_error", "the device reported an error")                          \
  X(kPoolExhausted, "pool_exhausted", "no packet left to continue in")                     \
  X(kEmulatedLoss, "emulated_loss", "lost on purpose by a loop partner")                   \
  /* execution environments */                                                             \
  X(kNoNeighbourNode, "no_neighbour_node", "no link towards that node")                    \
  X(kCapsuleMalformed, "capsule_malformed", "not a capsule of this version")               \
  X(kCapsuleTtl, "capsule_ttl", "capsule TTL reached zero")                                \
  X(kCodeUnknown, "code_unknown", "no code object of that name")                           \
  X(kCodeFault, "code_fault", "the code object faulted")                                   \
  X(kCodeBudget, "code_budget", "the code object used up its budget")                      \
  X(kCodeRefused, "code_refused", "the code object asked for what is not its")             \
  X(kNoApplication, "no_application", "for an application that is not there")              \
  X(kEeDiscard, "ee_discard", "the EE let it go")

enum class DropReason : uint8_t {
#define X(id, name, sentence) id,
  WEFT_DROP_REASONS(X)
#undef X
};

constexpr size_t kDropReasons = 0
#define X(id, name, sentence) +1
    WEFT_DROP_REASONS(X)
#undef X
    ;

const char* name(DropReason reason);      // "ttl_expired"
const char* sentence(DropReason reason);  // "TTL or hop limit reached zero"

// How many packets died of what, at one place.
class DropCounters {
 public:
  void add(DropReason reason, uint64_t n = 1) { counts_[size_t(reason)].add(n); }
  uint64_t operator[](DropReason reason) const { return counts_[size_t(reason)].value(); }
  uint64_t total() const {
    uint64_t n = 0;
    for (const Counter& c : counts_) n += c.value();
    return n;
  }

 private:
  std::array<Counter, kDropReasons> counts_;
};

inline void drop(PacketPtr p, DropReason reason, DropCounters& counters) {
  counters.add(reason);
  p.reset();
}

class Pvec;
// Drops every packet of `v`.
void drop(Pvec& v, DropReason reason, DropCounters& counters);

}  // namespace weft
