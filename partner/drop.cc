// SPDX-License-Identifier: Apache-2.0
#include "partner/drop.h"

#include "partner/pool.h"
#include "partner/pvec.h"

namespace weft {

namespace {

constexpr const char* kNames[] = {
#define X(id, name, sentence) name,
    WEFT_DROP_REASONS(X)
#undef X
};

constexpr const char* kSentences[] = {
#define X(id, name, sentence) sentence,
    WEFT_DROP_REASONS(X)
#undef X
};

}  // namespace

const char* name(DropReason reason) { return kNames[size_t(reason)]; }
const char* sentence(DropReason reason) { return kSentences[size_t(reason)]; }

void drop(Pvec& v, DropReason reason, DropCounters& counters) {
  counters.add(reason, v.size());
  v.clear();
}

}  // namespace weft
