// SPDX-License-Identifier: Apache-2.0
#include "paths/offload_stage.h"

#include <algorithm>

#include "paths/path.h"

namespace weft {

namespace {

bool unfinished(const Packet* p) { return (p->flags & Packet::kOffload) != 0; }

}  // namespace

void OffloadStage::deliver(Dir dir, Pvec& v) {
  if (dir == Dir::kBackward || std::none_of(v.begin(), v.end(), unfinished)) return hand_on(dir, v);
  Pvec out;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    if (unfinished(p.get())) {
      finish(std::move(p), out);
    } else {
      append(dir, std::move(p), out);
    }
  }
  hand_on(dir, out);
}

void OffloadStage::finish(PacketPtr p, Pvec& out) {
  if (p->offload().segment_size != 0) return cut(std::move(p), out);
  if (auto bad = complete_checksum(pool_, p)) return drop(std::move(p), *bad);
  append(Dir::kForward, std::move(p), out);
}

// The segmenter holds an Offload against all headers, and writes those of each segment.
void OffloadStage::cut(PacketPtr p, Pvec& out) {
  const bool off = (p->flags & Packet::kHeaders) != 0;
  const uint32_t in_front = off ? uint32_t(p->data - p->network_header()) : 0;
  p->push(in_front);
  p->offload().pushed(in_front);
  if (auto bad = segmenter_.start(p, off ? Link::kRaw : link_)) return drop(std::move(p), *bad);
  path().count_made(segmenter_.remaining() - 1);
  while (PacketPtr segment = segmenter_.next()) {
    segment->pop(in_front);
    if (off) segment->flags |= Packet::kHeaders;
    append(Dir::kForward, std::move(segment), out);
  }
  segmenter_.abandon(DropReason::kPoolExhausted, drops());
}

}  // namespace weft
