// SPDX-License-Identifier: Apache-2.0
#include "modules/sort_again.h"

#include <cstring>

#include "modules/eth.h"
#include "modules/packet_edit.h"

namespace weft {

namespace {

constexpr uint32_t kFrame = EthModule::kHeader;
static_assert(kFrame <= std::tuple_size_v<LinkHeader>);

}  // namespace

LinkHeader link_header_of(const Packet& p, const Port& device) {
  LinkHeader frame{};
  if (device.info.link == Link::kEthernet && p.data >= p.window() + kFrame) {
    std::memcpy(frame.data(), p.data - kFrame, kFrame);
  }
  return frame;
}

bool sort_again(Sorter& sorter, Pool& pool, Path& path, const Port& device, const LinkHeader& frame,
                PacketPtr& whole) {
  if (device.info.link == Link::kEthernet) {
    if (!prepend(pool, whole, kFrame)) return false;
    std::memcpy(whole->data, frame.data(), kFrame);
  }
  whole->next_hop = Packet::kNoNextHop;
  path.count_away(whole->total_length());
  Pvec one;
  one.push_back(std::move(whole));
  sorter.sort(device.number, one);
  return true;
}

}  // namespace weft
