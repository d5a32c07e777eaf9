// SPDX-License-Identifier: Apache-2.0
// The scheduling policies of the API, and which of them this node offers.
//
// Threads: pure functions.
#pragma once

#include "nodeos_api/an.h"

namespace weft {

struct PolicyOffer {
  an_SchedPolicy policy;
  const char* name;     // in sentences
  const char* feature;  // of an_nodeInfo
  bool offered;
};

constexpr PolicyOffer kPolicies[] = {
    {AN_SCHED_NODE, "the node's own policy", "policy_node", true},
    {AN_SCHED_PRIORITY, "priority", "policy_priority", false},
    {AN_SCHED_EDF, "earliest deadline first", "policy_edf", false},
    {AN_SCHED_WFQ, "weighted fair queueing", "policy_wfq", false},
    {AN_SCHED_BERT, "BERT", "policy_bert", false},
};

// Null for a number that is no policy.
constexpr const PolicyOffer* find_policy(an_SchedPolicy policy) {
  for (const PolicyOffer& offer : kPolicies) {
    if (offer.policy == policy) return &offer;
  }
  return nullptr;
}

}  // namespace weft
