// SPDX-License-Identifier: Apache-2.0
// Node: the PAN execution environment of one NodeOS, from its config to its end: carriers and
// neighbours, code objects, and what an operator sees.  The capsules go by its Way.  (PAN,
// section 4.2.)
//
// It is one domain.  Carriers are incoming channels, neighbours outgoing ones; the
// domain's statistics count what became of every capsule (an_DropReason).
//
// Threads: made and destroyed on the control thread; everything else on the worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodeos_api/an.h"
#include "pan_ee/address.h"
#include "pan_ee/code_loader.h"
#include "pan_ee/node_config.h"
#include "pan_ee/ping.h"
#include "pan_ee/way.h"

namespace weft::pan {

struct CodeFile;

class Node {
 public:
  // `parent` and `cred`: as in an_domainCreate.  Null on failure; `error` then says why in one
  // sentence.
  static std::unique_ptr<Node> start(const NodeConfig& config, an_Domain parent, std::string& error,
                                     an_Cred cred = nullptr);
  // Ends the domain if it has not ended yet.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeAddress& address() const { return address_; }
  // Null when the domain has ended.
  an_Domain domain() const { return domain_; }
  // The application side of the code object "ping".
  Ping& ping() { return ping_; }

  // The first code object of that symbolic name; null when there is none.
  LoadedCode* find_code(std::string_view symbolic_name) const;

  // Evaluates a capsule that an application of this node made; takes it over.  Returns why
  // it was lost, if it was lost at once.  On the worker.
  std::optional<an_DropReason> insert(an_Packet capsule) { return way_.insert(capsule); }

  struct NeighbourInfo {
    NodeAddress address;
    std::string carrier;
    an_ChanStats stats;
  };
  // [control]
  std::vector<NeighbourInfo> neighbours() const;
  // The code objects that capsules find here.  [control]
  const std::vector<std::unique_ptr<LoadedCode>>& code() const { return way_.code().objects(); }
  // What evaluates them; of code_engine_reason() see CodeLoader.  [control]
  Engine engine() const { return loader_->engine(); }
  const std::string& engine_reason() const { return loader_->engine_reason(); }
  // What became of the capsules so far.  [control]
  an_DomainStats stats() const;

 private:
  explicit Node(const NodeConfig& config) : address_(config.address), way_(config.budget), ping_(*this) {}

  bool configure(const NodeConfig& config);
  bool add_neighbours(const NodeConfig& config);
  // False when there is no such folder.  What is wrong with a code object goes to the log.
  bool load_code(const NodeConfig& config);
  void load_object(const CodeFile& file);
  bool open_channels(const NodeConfig& config);
  // Null when there is none.
  Neighbour* neighbour_at(const NodeAddress& address) const;

  static int init(an_Domain self, void* node);
  static void terminated(an_Domain ended, an_TermReason reason, void* node);
  // On the worker, before capsules flow.
  static void prepare_worker(void*);
  static void receive(void* node, an_Packet* capsules, const an_PacketView* views, size_t count);

  NodeAddress address_;
  an_Domain domain_ = nullptr;
  std::unique_ptr<CodeLoader> loader_;
  Way way_;  // its code is what loader_ loaded
  Ping ping_;
  // While init runs.
  const NodeConfig* config_ = nullptr;
  std::string error_;
};

}  // namespace weft::pan
