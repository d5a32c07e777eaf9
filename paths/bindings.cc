// SPDX-License-Identifier: Apache-2.0
#include "paths/bindings.h"

#include <algorithm>
#include <bit>

namespace weft {

namespace {

// Reads a packet's bytes one after the other.
class Cursor {
 public:
  Cursor(const Packet& p, uint64_t offset) : seg_(&p), left_(offset) { settle(); }
  bool at_end() const { return seg_ == nullptr; }
  uint8_t take() {
    const uint8_t byte = seg_->data[left_++];
    settle();
    return byte;
  }

 private:
  void settle() {
    while (seg_ != nullptr && left_ >= seg_->length) {
      left_ -= seg_->length;
      seg_ = seg_->next;
    }
  }

  const Seg* seg_;
  uint64_t left_;
};

// Where it begins, from Packet::data on.
uint64_t begin_of(PayloadMatch::From from, const Packet& p, const PacketFields& fields) {
  const auto in_window = uint64_t(p.data - p.window());
  switch (from) {
    case PayloadMatch::kFrame:
      return 0;
    case PayloadMatch::kNetwork:
      return p.l3 - in_window;
    case PayloadMatch::kTransport:
      return p.l4 - in_window;
    case PayloadMatch::kPayload:
      break;
  }
  return fields.payload;
}

// What a fragment carries is known when it is whole.
bool matches(const PayloadMatch& m, const Packet& p, const PacketFields& fields) {
  if (fields.fragment && m.from >= PayloadMatch::kTransport) return false;
  const uint64_t begin = begin_of(m.from, p, fields) + m.offset;
  if (begin + m.value.size() > fields.end) return false;
  Cursor cursor(p, begin);
  for (size_t i = 0; i < m.value.size(); ++i) {
    if (cursor.at_end() || (cursor.take() & m.mask[i]) != m.value[i]) return false;
  }
  return true;
}

bool same(const std::vector<PayloadMatch>& a, const std::vector<PayloadMatch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const PayloadMatch& x, const PayloadMatch& y) {
    return x.from == y.from && x.offset == y.offset && x.value == y.value && x.mask == y.mask;
  });
}

// Whether some bytes match both.
bool overlap(const PayloadMatch& a, const PayloadMatch& b) {
  if (a.from != b.from) return true;
  const uint64_t begin = std::max(a.offset, b.offset);
  const uint64_t end = std::min(uint64_t{a.offset} + a.value.size(), uint64_t{b.offset} + b.value.size());
  for (uint64_t i = begin; i < end; ++i) {
    const uint8_t both = a.mask[i - a.offset] & b.mask[i - b.offset];
    if ((a.value[i - a.offset] & both) != (b.value[i - b.offset] & both)) return false;
  }
  return true;
}
bool overlap(const std::vector<PayloadMatch>& a, const std::vector<PayloadMatch>& b) {
  return std::all_of(a.begin(), a.end(), [&](const PayloadMatch& x) {
    return std::all_of(b.begin(), b.end(), [&](const PayloadMatch& y) { return overlap(x, y); });
  });
}

unsigned bits_of(const std::vector<PayloadMatch>& payload) {
  unsigned bits = 0;
  for (const PayloadMatch& m : payload) {
    for (uint8_t byte : m.mask) bits += unsigned(std::popcount(byte));
  }
  return bits;
}

// The same key, in order of offsets, and without bits that the masks hide.
Result<std::vector<PayloadMatch>> normal(std::vector<PayloadMatch> payload) {
  size_t bytes = 0;
  for (PayloadMatch& m : payload) {
    if (m.mask.size() != m.value.size()) {
      return Error{Code::kInvalid, "a payload key's mask must be as long as its value"};
    }
    for (size_t i = 0; i < m.value.size(); ++i) m.value[i] &= m.mask[i];
    bytes += m.value.size();
  }
  std::erase_if(payload, [](const PayloadMatch& m) { return m.value.empty(); });
  if (bytes > Bindings::kMaxPayloadBytes) {
    return Error{Code::kLimit,
                 "a payload key has at most " + std::to_string(Bindings::kMaxPayloadBytes) + " bytes"};
  }
  std::stable_sort(payload.begin(), payload.end(),
                   [](const PayloadMatch& a, const PayloadMatch& b) { return a.offset < b.offset; });
  return payload;
}

}  // namespace

bool payload_matches(const std::vector<PayloadMatch>& payload, const Packet& p, const PacketFields& fields) {
  return std::all_of(payload.begin(), payload.end(),
                     [&](const PayloadMatch& m) { return matches(m, p, fields); });
}

Result<void> Bindings::add(const DemuxKey& key, Path& path) {
  auto payload = normal(key.payload);
  if (!payload) return payload.error();
  const unsigned bits = bits_of(*payload);

  for (Binding& b : bindings_) {
    if (b.bits != bits || !overlap(b.payload, *payload)) continue;
    const bool known = std::find(b.paths.begin(), b.paths.end(), &path) != b.paths.end();
    if (same(b.payload, *payload) && b.share && key.share && !known) {
      if (b.paths.size() == kMaxBindings) return Error{Code::kLimit, "too many paths share one key"};
      b.paths.push_back(&path);
      set_only();
      return {};
    }
    return Error{Code::kExists, path.text() + ": its packets go to the path '" + b.paths.front()->text() +
                                    "' already; only paths that all ask to share can have one key"};
  }
  if (bindings_.size() == kMaxBindings) return Error{Code::kLimit, "too many payload keys for one tuple"};
  auto place =
      std::find_if(bindings_.begin(), bindings_.end(), [&](const Binding& b) { return b.bits < bits; });
  bindings_.insert(place, Binding{*std::move(payload), bits, key.share, {&path}});
  set_only();
  return {};
}

bool Bindings::remove(const Path& path) {
  bool found = false;
  for (Binding& b : bindings_) found |= std::erase(b.paths, &path) > 0;
  std::erase_if(bindings_, [](const Binding& b) { return b.paths.empty(); });
  set_only();
  return found;
}

void Bindings::set_only() {
  const bool one = bindings_.size() == 1 && bindings_[0].payload.empty() && bindings_[0].paths.size() == 1;
  only_ = one ? bindings_[0].paths[0] : nullptr;
}

}  // namespace weft
