// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/netspec.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "paths/path.h"

namespace weft {

namespace {

constexpr uint32_t kMaxQueue = 65536;    // packets
constexpr uint32_t kMaxPacket = 65535;   // bytes
constexpr uint64_t kDefaultBurst = 100;  // of a second: what the rate gives in so small a part

Error wrong(std::string sentence) { return {Code::kInvalid, "NetSpec: " + std::move(sentence)}; }

// Without a rate the others have no meaning.
Result<void> check_unlimited(const an_NetSpecData& s) {
  if (s.burst_bytes == 0 && s.peak_bits == 0 && s.min_unit == 0 && s.max_packet == 0) return {};
  return wrong("a burst, a peak, a minimum unit or a maximum packet needs a rate_bits");
}

Result<Tspec> read_rate(const an_NetSpecData& s) {
  if (s.rate_bits > Tspec::kMaxRate || s.peak_bits > Tspec::kMaxRate) {
    return wrong("a rate is at most " + std::to_string(Tspec::kMaxRate) + " bit/s");
  }
  if (s.burst_bytes > Tspec::kMaxBurst) {
    return wrong("a burst is at most " + std::to_string(Tspec::kMaxBurst) + " bytes");
  }
  if (s.max_packet > kMaxPacket) return wrong("a packet has at most 65535 bytes");
  Tspec t{.rate = s.rate_bits, .burst = s.burst_bytes, .peak = s.peak_bits, .min_unit = s.min_unit};
  t.max_packet = s.max_packet != 0 ? s.max_packet : kMaxPacket;
  if (t.burst == 0) {
    t.burst = std::clamp<uint64_t>(t.rate / 8 / kDefaultBurst, t.max_packet, Tspec::kMaxBurst);
  } else if (s.max_packet == 0) {
    t.max_packet = uint32_t(std::min<uint64_t>(t.burst, kMaxPacket));
  }
  if (t.max_packet > t.burst) {
    return wrong("a packet of " + std::to_string(t.max_packet) + " bytes never fits a burst of " +
                 std::to_string(t.burst));
  }
  if (t.min_unit > t.max_packet) return wrong("the minimum unit is larger than the maximum packet");
  if (t.peak != 0 && t.peak < t.rate) return wrong("the peak is below the rate");
  return t;
}

}  // namespace

Result<NetLimits> read_netspec(an_NetSpec given) {
  NetLimits limits;
  if (given == nullptr) return limits;
  an_NetSpecData s{};
  if (given->size < offsetof(an_NetSpecData, drop_policy))
    return wrong("its size leaves out the queue limits");
  std::memcpy(&s, given, std::min(given->size, sizeof s));
  if (s.queue_packets > kMaxQueue) {
    return wrong("a queue holds at most 65536 packets, not " + std::to_string(s.queue_packets));
  }
  if (s.queue_packets != 0) limits.queue.packets = s.queue_packets;
  if (s.queue_bytes != 0) limits.queue.bytes = s.queue_bytes;
  if (s.drop_policy != AN_DROPPOLICY_TAIL && s.drop_policy != AN_DROPPOLICY_HEAD) {
    return wrong("no drop policy has the number " + std::to_string(s.drop_policy));
  }
  limits.queue.drop_head = s.drop_policy == AN_DROPPOLICY_HEAD;
  if (s.priority >= Path::kPriorities) {
    return wrong("a priority is 0 to " + std::to_string(Path::kPriorities - 1) + ", not " +
                 std::to_string(s.priority));
  }
  limits.priority = uint8_t(s.priority);
  if (s.rate_bits == 0) {
    if (auto good = check_unlimited(s); !good) return good.error();
    return limits;
  }
  auto rate = read_rate(s);
  if (!rate) return rate.error();
  limits.rate = *rate;
  return limits;
}

}  // namespace weft
