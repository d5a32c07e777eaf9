// SPDX-License-Identifier: Apache-2.0
// Ees: the management EE of a node, with what it needs of weftd: time on the control loop,
// processes, and the EEs of the config.
//
// Threads: the control thread.
#pragma once

#include <memory>

#include "config/config.h"
#include "mee/manager.h"
#include "nodeos_api/file_spaces.h"
#include "nodeos_api/geni_node.h"
#include "tools/weftd/ee_process.h"

namespace weft {

class Ees final : private mee::Host {
 public:
  struct Parts {  // all outlive this
    GeniNode& node;
    ControlLoop& loop;
    Clock& clock;
    Logger& log;
    FileSpaces* files;  // null: EEs have none
  };

  // Errors: the management EE gets no domain.
  static Result<std::unique_ptr<Ees>> start(const Parts& parts);
  // Ends all that still run, at once.
  ~Ees() override;

  // What the domains of an EE are given: that principal's bounds, if one is given, and files of its
  // own, if there are any.  NULL for neither.  It lives as long as the node.
  an_Cred credential(const std::string& name, Principals::Known* principal, const FilesConfig& files);
  // Those of the config, and their start.
  void add(const std::vector<EeConfig>& ees);
  void start_all();
  // Asks all to end and waits until they have; at most as long as their grace.
  // REQUIRES: called from outside the loop
  void stop_all();

  mee::Manager& manager() { return *manager_; }
  const mee::Manager& manager() const { return *manager_; }

 private:
  explicit Ees(const Parts& parts) : parts_(parts) {}
  // Whom its domains draw on; null: nobody.
  Principals::Known* principal_of(const EeConfig& ee) const;
  void run_in(an_Domain domain, const std::function<void()>& work) override;
  void share_code(an_Domain domain, std::shared_ptr<const void> code) override;

  const Parts parts_;
  std::unique_ptr<mee::Manager> manager_;
  uint32_t due_ = 0;
};

}  // namespace weft
