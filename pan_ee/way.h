// SPDX-License-Identifier: Apache-2.0
// Way: a capsule's way through the node: from the carrier that it came by, through its code, to
// the neighbour that it leaves for.  (PAN, sections 4.5 and 4.9.)
//
// A vector goes in steps (docs/decisions/0009-capsules-in-steps.md):
//
//   admit      those that are good, and find their code
//   evaluate   each by its code
//   act        on what it decided: each joins those that leave for its neighbour, say
//   leave      neighbour by neighbour
//
// Threads: filled by the control thread before capsules flow; everything else on the worker.
// Time: a capsule is evaluated without allocation or lock, within the budget.  Its body is
//   never copied: the code is shown the first bytes of it, and these and the header are
//   rewritten in place.
// Invariants: between two vectors nothing waits for a neighbour.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodeos_api/an.h"
#include "pan_ee/address.h"
#include "pan_ee/code_cache.h"
#include "pan_ee/environment.h"
#include "pan_ee/neighbour.h"
#include "pan_ee/routes.h"

namespace weft::pan {

class Way {
 public:
  // `budget`: of an evaluation, in instructions.
  explicit Way(uint32_t budget) : budget_(budget) {}
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

  // False when it is there already.
  bool add_neighbour(const NodeAddress& address, const std::string& carrier);
  const std::vector<std::unique_ptr<Neighbour>>& neighbours() const { return neighbours_; }
  Routes& routes() { return routes_; }
  CodeCache& code() { return code_; }
  const CodeCache& code() const { return code_; }

  // Takes a vector that came in by a carrier.
  void receive(an_Packet* capsules, const an_PacketView* views, size_t count);
  // The same for one that an application of this node made.  Why it was lost, if it was lost at once.
  std::optional<an_DropReason> insert(an_Packet capsule);

 private:
  // Why a capsule is lost.  (An optional would go through memory, in two sizes.)
  using Lost = an_DropReason;
  static constexpr Lost kNot = AN_DROP_REASONS;

  // Takes at most kBatch capsules.  `in_hand`: room for as many.  Returns why the last that was
  // lost was lost.
  Lost pass(an_Packet* capsules, const an_PacketView* views, size_t count, Environment* in_hand);
  // Admits those that are good; returns behind the last.
  Environment* admit(an_Packet* capsules, const an_PacketView* views, size_t count, Environment* in_hand,
                     Lost& lost) const;
  // Admits what most capsules are: good, in one piece that may be written, and of code that is
  // here.  Else false.
  bool admit_usual(an_Packet capsule, const an_PacketView& view, Environment& env) const;
  // Admits any that is good.
  Lost admit_any(an_Packet& capsule, const an_PacketView& view, Environment& env) const;
  void evaluate(Environment* begin, const Environment* end) const;
  Lost act(const Environment& env);
  Lost send(const Environment& env);
  void leave();

  const uint32_t budget_;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
  Routes routes_;
  CodeCache code_;
  std::array<Environment, kBatch> received_;  // capsules of a vector that were admitted
};

}  // namespace weft::pan
