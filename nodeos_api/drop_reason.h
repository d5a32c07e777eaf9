// SPDX-License-Identifier: Apache-2.0
// The reasons for which an EE lets a packet go, as the node counts and shows them.
//
// Threads: pure functions.
#pragma once

#include <array>

#include "nodeos_api/an.h"
#include "partner/drop.h"

namespace weft {

// In the order of an_DropReason.
constexpr std::array<DropReason, AN_DROP_REASONS> kNodeReasons = {
    DropReason::kEeDiscard,        DropReason::kConsumed,     DropReason::kPathClosed,
    DropReason::kCapsuleMalformed, DropReason::kCapsuleTtl,   DropReason::kNoNeighbourNode,
    DropReason::kCodeUnknown,      DropReason::kCodeFault,    DropReason::kOutQueueFull,
    DropReason::kPoolExhausted,    DropReason::kCodeBudget,   DropReason::kCodeRefused,
    DropReason::kNoApplication,    DropReason::kAccountEmpty,
};

// REQUIRES: 0 <= reason < AN_DROP_REASONS
constexpr DropReason to_drop_reason(an_DropReason reason) { return kNodeReasons[size_t(reason)]; }

}  // namespace weft
