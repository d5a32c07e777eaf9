// SPDX-License-Identifier: Apache-2.0
// A Module is one protocol: it makes stages, and says which packets they want.
//
// Modules are listed by hand in tools/weftd, and live as long as the node.
//
// Threads: the control thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "paths/demux_key.h"
#include "paths/path_text.h"
#include "paths/port.h"
#include "paths/stage.h"

namespace weft {

// What a module sees of the path that is being made.
struct StageContext {
  const PathSpec& spec;
  std::string_view text;     // of the path, for errors
  const PathSide& side;      // the side whose chain names the module
  size_t position;           // of the module in side.chain; at least 1
  const Port& device;        // the partner of this side
  const Port* other_device;  // of the other side; null unless the path is cut-through

  // Where the device stands: a stage of the near side has it on its near side.
  bool near_side() const { return &side == &spec.near; }
  // The direction of packets that come from this side's device.
  Dir up() const { return near_side() ? Dir::kForward : Dir::kBackward; }
  bool top() const { return position + 1 == side.chain.size(); }
  // The name above in the chain; empty at the top.
  std::string_view above() const { return top() ? std::string_view{} : side.chain[position + 1].name; }
  // The name below: a module, or at position 1 the partner.
  std::string_view below() const { return side.chain[position - 1].name; }
  // This is where a cut-through path turns from its near side to its far side.
  bool forwards() const { return spec.cut() && near_side() && top(); }

  Error chain_error(std::string_view sentence) const {
    return path_error(Code::kProtocolSpec, text, side.chain[position].column, sentence);
  }
  // What the module's attributes should have said.
  Error address_error(std::string_view sentence) const {
    return path_error(Code::kAddressSpec, text, side.chain[position].column, sentence);
  }
  Error attribute_error(const Attribute& a, std::string_view sentence) const {
    return path_error(Code::kAddressSpec, text, a.column, sentence);
  }
};

// Where a packet that is sent goes: the headers that are put in front of it, as if it had come
// from there, so that the path gives it back.
struct Aim {
  uint8_t headers[64] = {};
  uint8_t length = 0;
  uint8_t l4 = 0;  // of these, in front of the transport header
};

class Module {
 public:
  virtual ~Module() = default;

  // As in path texts: "ip".
  virtual std::string_view name() const = 0;
  // The link of the ports that this module stands on: the builder puts it under a
  // chain that does not name it.
  virtual std::optional<Link> link() const { return std::nullopt; }
  // Whether it reads whole frames, so that no link module is wanted beneath it.
  virtual bool reads_frames() const { return false; }
  // Whether it takes care of all that a device left to be done of its packets (Packet::kOffload),
  // so that nothing above it sees any of that.
  virtual bool finishes_offload() const { return false; }
  // The attributes that it reads; any other is an error unless another module of
  // the chain reads it.
  virtual std::span<const std::string_view> attributes() const { return {}; }

  // Phase 1: makes its stage of a path.  Errors: kProtocolSpec, kAddressSpec.
  virtual Result<std::unique_ptr<Stage>> create(const StageContext& context) = 0;

  // Narrows the key of the path: called for the near side from the device upwards.
  virtual Result<void> refine(const StageContext& context, DemuxKey& key) = 0;

  // Aims a packet of the path where the attributes of `to`, which has the same chain, say:
  // they speak of the packet as it goes out.  Called for the near side from the device
  // upwards.  Errors: kAddressSpec (beyond what the path's own attributes leave open).
  virtual Result<void> aim(const StageContext& context, const StageContext& to, Aim& aim) {
    (void)context, (void)to, (void)aim;
    return {};
  }
};

}  // namespace weft
