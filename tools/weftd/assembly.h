// SPDX-License-Identifier: Apache-2.0
// Assembly: the node, its parts, put together as the config says.
//
//   partners -> Geni (demux, paths) -> partners        on the worker's thread
//   config, kernel routes, admin requests              on the control thread
//
// Threads: the control thread.
// Invariants: what stop() leaves behind is nothing: every packet is back in the pool.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/errors.h"
#include "geni/geni.h"
#include "modules/flow.h"
#include "modules/fusion.h"
#include "nodeos_api/file_spaces.h"
#include "nodeos_api/geni_node.h"
#include "pan_ee/node.h"
#include "routes/router.h"
#include "tools/weftd/control_loop.h"
#include "tools/weftd/ees.h"
#include "tools/weftd/link_questions.h"
#include "tools/weftd/parts.h"

namespace weft {

// A partner of the config, opened.
struct NodePartner {
  std::string name;
  Partner* partner;
  Opening opening;
  std::vector<AddressConfig> addresses;  // of the node, here: the config's, and a link-local one
  std::string joined_to;                 // the partner at the other end of a joint; empty: the paths
};

class Assembly {
 public:
  // Opens partners and paths, and starts the worker.  What is given outlives the node.
  // Errors: one sentence, with the place in the config where there is one.
  static Result<std::unique_ptr<Assembly>> start(const Config& config, const Parts& parts, ControlLoop& loop,
                                                 Clock& clock, Logger& log);
  // The same without starting anything: all that is wrong, in the order of the file.
  static std::vector<ConfigError> rehearse(const Config& config, const Parts& parts, ControlLoop& loop,
                                           Clock& clock, Logger& log);
  ~Assembly();
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  // Stops the worker, closes paths and partners.  Returns whether all packets are
  // accounted for; says so in the log.
  bool stop();

  const std::string& name() const { return config_.node.name; }
  Clock& clock() const { return clock_; }
  Pool& pool() const { return *pool_; }
  Worker& worker() { return *worker_; }
  Geni& geni() { return *geni_; }
  GeniNode& nodeos() { return *nodeos_; }
  const Geni& geni() const { return *geni_; }
  const Demux& demux() const { return *demux_; }
  const Host& host() const { return *host_; }
  const Router& router() const { return *router_; }
  Ees& ees() { return *ees_; }
  FileSpaces* files() const { return files_.get(); }  // null: EEs have none
  pan::Node* pan() const { return pan_.get(); }       // null: not in the config, or stopped
  const std::vector<NodePartner>& partners() const { return partners_; }

 private:
  Assembly(const Config& config, const Parts& parts, ControlLoop& loop, Clock& clock, Logger& log)
      : config_(config), parts_(parts), loop_(loop), clock_(clock), log_(log) {}

  Result<void> assemble();
  // In this order.  Each adds what is wrong to errors_, with its place.
  void open_partners();
  void open_joints();
  void open_ports();
  void open_routes();
  void open_paths();
  void open_files();
  void start_mee();
  void start_pan();
  // Stops behind the first step that finds something wrong.  Returns whether none did.
  bool open_all();

  Result<void> open_partner(const PartnerConfig& config);
  Result<Partner*> make_partner(const PartnerConfig& config);
  void open_port(NodePartner& partner);
  // Whether the node, not the kernel, has the addresses of that port.
  bool owns_addresses(const Port& port);
  void add_link_local(NodePartner& p, const Port& port);
  void open_default_paths();
  void try_carriers();
  void run();
  void settle();
  void log_parts();
  NodePartner& partner(std::string_view name);  // REQUIRES: there is one
  void close_paths();
  void close_partners();

  const Config config_;
  const Parts parts_;
  ControlLoop& loop_;
  Clock& clock_;
  Logger& log_;

  std::unique_ptr<Pool> pool_;
  Fib fib_;
  std::optional<Neighbours> neighbours_;
  std::optional<IpNode> ip_;
  std::optional<Host> host_;
  std::optional<NodeServices> services_;
  FlowReader reader_;
  std::optional<Demux> demux_;
  std::optional<Worker> worker_;
  std::optional<Reassembly> reassembly_;
  std::optional<Fusion> fusion_;
  std::vector<std::unique_ptr<Module>> modules_;
  std::optional<Geni> geni_;
  std::optional<LinkQuestions> questions_;
  std::optional<Router> router_;
  std::unique_ptr<FileSpaces> files_;  // null: EEs have none
  std::optional<GeniNode> nodeos_;
  uint32_t nodeos_tick_ = 0;
  std::unique_ptr<pan::Node> pan_;
  std::unique_ptr<Ees> ees_;
  std::map<std::string, std::unique_ptr<Partner>> drivers_;  // by partner, or by wire
  std::vector<NodePartner> partners_;
  std::vector<uint32_t> joints_;
  ConfigErrors errors_;
  uint32_t router_due_ = 0;  // while running
  bool running_ = false;
};

}  // namespace weft
