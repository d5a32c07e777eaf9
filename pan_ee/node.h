// SPDX-License-Identifier: Apache-2.0
// Node: the PAN execution environment of one NodeOS: takes capsules from its
// carriers, evaluates each with its code object, and sends them on to neighbours.
// (PAN, sections 4.2 and 4.9.)
//
// It is one domain.  Carriers are incoming channels, neighbours outgoing ones; the
// domain's statistics count what became of every capsule (an_DropReason).
//
// Threads: made and destroyed on the control thread; everything else on the worker.
// Time: a capsule on its way is evaluated without allocation or lock, within the budget.
//   Its body is never copied: the code is shown the first bytes of it, and these and the
//   header are rewritten in place.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodeos_api/an.h"
#include "pan_ee/address.h"
#include "pan_ee/code_cache.h"
#include "pan_ee/code_loader.h"
#include "pan_ee/environment.h"
#include "pan_ee/node_config.h"
#include "pan_ee/ping.h"
#include "pan_ee/routes.h"

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
  std::optional<an_DropReason> insert(an_Packet capsule);

  struct NeighbourInfo {
    NodeAddress address;
    std::string carrier;
    an_ChanStats stats;
  };
  // [control]
  std::vector<NeighbourInfo> neighbours() const;
  // The code objects that capsules find here.  [control]
  const std::vector<std::unique_ptr<LoadedCode>>& code() const { return code_.objects(); }
  // What evaluates them; of code_engine_reason() see CodeLoader.  [control]
  Engine engine() const { return loader_->engine(); }
  const std::string& engine_reason() const { return loader_->engine_reason(); }
  // What became of the capsules so far.  [control]
  an_DomainStats stats() const;

 private:
  static constexpr size_t kBatch = 64;

  struct Neighbour {
    NodeAddress address;
    std::string carrier;
    an_OutChan channel = nullptr;
    size_t waiting = 0;  // in batch: those of one vector, until it has been evaluated
    std::array<an_Packet, kBatch> batch;
  };

  explicit Node(const NodeConfig& config) : address_(config.address), budget_(config.budget), ping_(*this) {}

  bool configure(const NodeConfig& config);
  bool add_neighbours(const NodeConfig& config);
  // False when there is no such folder.  What is wrong with a code object goes to the log.
  bool load_code(const NodeConfig& config);
  void load_object(const CodeFile& file);
  bool open_channels(const NodeConfig& config);
  uint16_t neighbour_at(const NodeAddress& address) const;

  static int init(an_Domain self, void* node);
  static void terminated(an_Domain ended, an_TermReason reason, void* node);
  // On the worker, before capsules flow.
  static void prepare_worker(void*);
  static void receive(void* node, an_Packet* capsules, size_t count);

  // The code objects that a vector asks for, each once.
  struct Wanted {
    std::array<LoadedCode*, kBatch> code;
    size_t count = 0;
  };

  // Why a capsule is lost.  (An optional would go through memory, in two sizes.)
  using Lost = an_DropReason;
  static constexpr Lost kNot = AN_DROP_REASONS;

  // Evaluates at most kBatch capsules, and does with each as its code says, in the order in
  // which they came.  `in_hand`: room for as many.  Returns why the last that was lost was lost.
  Lost pass(an_Packet* capsules, size_t count, Environment* in_hand);
  // Admits those that are good, and lets them wait for their code; how many.
  size_t admit(an_Packet* capsules, size_t count, Environment* in_hand, Wanted& wanted, Lost& lost);
  // Admits what most capsules are: good, in one piece that may be written, and of code that is
  // here.  Else false.
  bool admit_usual(an_Packet capsule, const an_PacketView& view, Environment& env) const;
  // Admits any that is good.
  Lost admit_any(an_Packet& capsule, const an_PacketView& view, Environment& env) const;
  void evaluate(const Wanted& wanted) const;
  Lost act(const Environment& env);
  Lost send(const Environment& env);
  void send_batch(Neighbour& neighbour);
  void send_batches();

  NodeAddress address_;
  uint32_t budget_;
  an_Domain domain_ = nullptr;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
  Routes routes_;
  std::unique_ptr<CodeLoader> loader_;
  CodeCache code_;  // of what loader_ loaded
  Ping ping_;
  std::array<Environment, kBatch> received_;  // capsules of a vector that were admitted
  // While init runs.
  const NodeConfig* config_ = nullptr;
  std::string error_;
};

}  // namespace weft::pan
