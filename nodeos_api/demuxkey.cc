// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/demuxkey.h"

#include "nodeos_api/control_api.h"

namespace weft {

Result<void> DemuxKeyObject::add(size_t offset, size_t length, const uint8_t* value, const uint8_t* mask) {
  if (value == nullptr) return Error{Code::kInvalid, "a tuple needs a value to compare with"};
  if (length == 0 || length > kMaxLength) {
    return Error{Code::kInvalid, "a tuple compares 1 to 64 bytes"};
  }
  if (offset > kMaxReach || offset + length > kMaxReach) {
    return Error{Code::kInvalid, "a tuple may not look behind byte 256"};
  }
  if (tuples_.size() == kMaxTuples) return Error{Code::kLimit, "a demux key has at most 8 tuples"};
  PayloadMatch match{uint32_t(offset), {value, value + length}, std::vector<uint8_t>(length, 0xff)};
  if (mask != nullptr) match.mask.assign(mask, mask + length);
  for (size_t i = 0; i < length; ++i) {
    if ((match.value[i] & ~match.mask[i]) != 0) {
      return Error{Code::kInvalid,
                   "byte " + std::to_string(i) + " of the value has bits that the mask ignores"};
    }
  }
  tuples_.push_back(std::move(match));
  return {};
}

Result<void> DemuxKeyObject::require_transport(uint8_t protocol) {
  if (transport_ && *transport_ != protocol) {
    return Error{Code::kInvalid, "no packet is of protocol " + std::to_string(*transport_) + " and of " +
                                     std::to_string(protocol)};
  }
  transport_ = protocol;
  return {};
}

Result<void> DemuxKeyObject::narrow(DemuxKey& wanted) const {
  if (transport_) {
    const bool wide = wanted.shape == DemuxKey::kWide;
    const bool said = wide ? wanted.wide_mask.protocol == 0xff && wanted.wide.protocol == *transport_
                           : wanted.narrow_mask.protocol == 0xff && wanted.narrow.protocol == *transport_;
    if (wanted.leaves != PayloadMatch::kTransport || !said) {
      return Error{Code::kInvalid, "the demux key is for a chain that ends in ip or ip6 with (proto=" +
                                       std::to_string(*transport_) + "), and this is none"};
    }
  }
  for (const PayloadMatch& tuple : tuples_) {
    wanted.payload.push_back(tuple);
    wanted.payload.back().from = wanted.leaves;
  }
  return {};
}

void DemuxKeyObject::destroy() {
  bury();
  domain_.remove(*this);
  free_memory();
}

}  // namespace weft

using namespace weft;

extern "C" an_DemuxKey an_demuxkeyCreate(void* mem, an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_demuxkeyCreate(mem, d); });
  Domain* domain = creator(d);
  if (domain == nullptr) return nullptr;
  DemuxKeyObject* key = DemuxKeyObject::make(mem, *domain);
  if (key == nullptr) return nullptr;
  domain->add(*key);
  return key->handle();
}

extern "C" int an_demuxkeyDestroy(an_DemuxKey k) { return destroy<DemuxKeyObject>(k); }

extern "C" int an_demuxkeyAddTuple(an_DemuxKey k, size_t offset, size_t length, const void* value,
                                   const void* mask) {
  if (on_own_thread())
    return handed_over([&] { return an_demuxkeyAddTuple(k, offset, length, value, mask); });
  DemuxKeyObject* key = find<DemuxKeyObject>(k);
  if (key == nullptr || !key->domain().node().allows_control()) return an_errno();
  auto added =
      key->add(offset, length, static_cast<const uint8_t*>(value), static_cast<const uint8_t*>(mask));
  return added ? AN_OK : fail(added.error());
}
