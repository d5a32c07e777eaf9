// SPDX-License-Identifier: Apache-2.0
// NodeConfig: what an active node is to be, as passive data; and the words that say it.
//
// weftd makes one of [pan] (tools/weftd/pan_config.h); PAN in a process of its own makes one of
// its arguments (ee.cc), each a word of [pan] and what it is to be:
//
//   address 10.99.0.1
//   neighbour 10.99.0.2 udp0/pan        its address, and the path that capsules for it leave by
//   route 10.0.0.0/8 via 10.99.0.2      a prefix, an address or "default", and a neighbour
//   carrier udp0/pan                    a path that capsules come in by; those of the neighbours
//                                       if there is no such word
//   code /usr/share/weft/code           the folder of code objects
//   engine interpreter                  or jit, which is what is taken without this word
//   budget 100000                       instructions for each capsule
//
// Threads: plain functions and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pan_ee/address.h"

namespace weft::pan {

enum class Engine : uint8_t { kJit, kInterpreter };
const char* name(Engine engine);  // "jit", "interpreter"

struct NeighbourConfig {
  NodeAddress address;
  std::string carrier;  // path text that capsules for it leave by: "udp0/pan"
};

struct RouteConfig {
  Prefix to;
  NodeAddress via;  // a neighbour's address
};

inline constexpr size_t kCodeBytes = 64 << 20;

struct NodeConfig {
  NodeAddress address;
  std::vector<std::string> carriers;  // path texts that capsules come in by
  std::vector<NeighbourConfig> neighbours;
  std::vector<RouteConfig> routes;  // besides those to the neighbours themselves
  std::string code_folder;          // code_folder.h; empty: none
  Engine engine = Engine::kJit;     // that is wanted
  uint32_t budget = 100'000;        // instructions for each capsule, at most vm::kMaxBudget
  size_t code_bytes = kCodeBytes;   // of memory for machine code; what finds no room is interpreted
};

// Parts of it from texts.  Errors: kInvalid, naming what is no address, or no prefix.
Result<NodeAddress> read_address(std::string_view text);
Result<NeighbourConfig> read_neighbour(std::string_view address, std::string_view carrier);
Result<RouteConfig> read_route(std::string_view to, std::string_view via);

// All of it from the arguments above.  Errors: kInvalid, with the argument and what was expected.
Result<NodeConfig> read_arguments(std::span<const char* const> arguments);

}  // namespace weft::pan
