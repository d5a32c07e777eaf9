// SPDX-License-Identifier: Apache-2.0
// DemuxKey of the API: conditions on what a channel's protocols leave of a packet.
//
// Threads: the control thread.
#pragma once

#include <optional>
#include <vector>

#include "nodeos_api/domain.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
#include "paths/demux_key.h"

namespace weft {

class DemuxKeyObject final : public Object<DemuxKeyObject>, public DemuxKeyKind, public DomainPart {
 public:
  static constexpr size_t kMaxTuples = 8;
  static constexpr size_t kMaxLength = 64;
  static constexpr size_t kMaxReach = 256;  // bytes of payload that are looked at

  explicit DemuxKeyObject(Domain& domain) : domain_(domain) {}

  Domain& domain() const { return domain_; }
  Result<void> add(size_t offset, size_t length, const uint8_t* value, const uint8_t* mask);
  // The chain that it is used with must say that it leaves packets of that protocol,
  // behind the network header.  Errors: kInvalid (of another protocol already).
  Result<void> require_transport(uint8_t protocol);
  void destroy() override;

  // Narrows what a path wants.  Errors: kInvalid (the chain leaves something else).
  Result<void> narrow(DemuxKey& wanted) const;

 private:
  Domain& domain_;
  std::vector<PayloadMatch> tuples_;
  std::optional<uint8_t> transport_;
};

}  // namespace weft
