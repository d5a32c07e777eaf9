// SPDX-License-Identifier: Apache-2.0
#include "partner/partner.h"

namespace weft {

Result<PartnerInfo> info(Partner& partner, Opening which) {
  auto reply = partner.control(which, InfoRequest{});
  if (!reply) return reply.error();
  return std::get<PartnerInfo>(std::move(*reply));
}

Result<const PartnerStats*> stats(Partner& partner, Opening which) {
  auto reply = partner.control(which, StatsRequest{});
  if (!reply) return reply.error();
  return std::get<const PartnerStats*>(*reply);
}

}  // namespace weft
