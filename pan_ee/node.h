// SPDX-License-Identifier: Apache-2.0
// Node: the PAN execution environment of one NodeOS: takes capsules from its
// carriers, evaluates each with its code object, and sends them on to neighbours.
// (PAN, sections 4.2 and 4.9.)
//
// It is one domain.  Carriers are incoming channels, neighbours outgoing ones; the
// domain's statistics count what became of every capsule (an_DropReason).
//
// Threads: made and destroyed on the control thread; everything else on the worker.
// Time: a capsule on its way is evaluated without allocation or lock, and its body is
//   never copied: the header and the code's window are rewritten in place.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodeos_api/an.h"
#include "pan_ee/address.h"
#include "pan_ee/code_cache.h"
#include "pan_ee/ping.h"
#include "pan_ee/routes.h"

namespace weft::pan {

struct NeighbourConfig {
  NodeAddress address;
  std::string carrier;  // path text that capsules for it leave by: "udp0/pan"
};

struct RouteConfig {
  Prefix to;
  NodeAddress via;  // a neighbour's address
};

struct NodeConfig {
  NodeAddress address;
  std::vector<std::string> carriers;  // path texts that capsules come in by
  std::vector<NeighbourConfig> neighbours;
  std::vector<RouteConfig> routes;  // besides those to the neighbours themselves
};

class Node {
 public:
  // `parent`: as in an_domainCreate.  Null on failure; `error` then says why in one
  // sentence.
  static std::unique_ptr<Node> start(const NodeConfig& config, an_Domain parent, std::string& error);
  // Ends the domain if it has not ended yet.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeAddress& address() const { return address_; }
  // Null when the domain has ended.
  an_Domain domain() const { return domain_; }
  // The application side of the built-in code object "ping".
  Ping& ping() { return ping_; }

  // Evaluates a capsule that an application of this node made; takes it over.  Returns why
  // it was lost, if it was lost at once.  On the worker.
  std::optional<an_DropReason> insert(an_Packet capsule);

  struct NeighbourInfo {
    NodeAddress address;
    std::string carrier;
    an_ChanStats stats;
  };
  // [control]
  std::vector<NeighbourInfo> neighbours() const;
  struct CodeInfo {
    CodeName name;
    std::string symbolic_name;
    size_t window;  // bytes of the body that it wants to see
  };
  // The code objects that capsules find here.  [control]
  std::vector<CodeInfo> code() const;
  // What became of the capsules so far.  [control]
  an_DomainStats stats() const;

 private:
  static constexpr size_t kBatch = 64;

  struct Neighbour {
    NodeAddress address;
    std::string carrier;
    an_OutChan channel = nullptr;
    size_t waiting = 0;  // in batch, to be sent when the vector has been evaluated
    std::array<an_Packet, kBatch> batch;
  };

  explicit Node(const NodeAddress& address) : address_(address), ping_(*this) {}

  bool configure(const NodeConfig& config);
  bool open_channels(const NodeConfig& config);
  uint16_t neighbour_at(const NodeAddress& address) const;

  static int init(an_Domain self, void* node);
  static void terminated(an_Domain ended, an_TermReason reason, void* node);
  static void receive(void* node, an_Packet* capsules, size_t count);

  std::optional<an_DropReason> evaluate(an_Packet capsule, Environment::Origin origin);
  std::optional<an_DropReason> act(an_Packet capsule, uint8_t* header, const Environment& env);
  std::optional<an_DropReason> send(an_Packet capsule, uint8_t* header, const Environment& env);
  void send_batch(Neighbour& neighbour);
  void send_batches();

  NodeAddress address_;
  an_Domain domain_ = nullptr;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
  Routes routes_;
  CodeCache code_;
  Ping ping_;
  // While init runs.
  const NodeConfig* config_ = nullptr;
  std::string error_;
};

}  // namespace weft::pan
