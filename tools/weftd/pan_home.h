// SPDX-License-Identifier: Apache-2.0
// PanHome: the home of PAN, an EE that weftd brings along.
//
// Threads: the control thread.
#pragma once

#include <memory>

#include "mee/home.h"
#include "pan_ee/node.h"

namespace weft {

class PanHome final : public mee::Home {
 public:
  // The active node is put into `place` while it runs.  `cred`: of whom it draws on; NULL: it is
  // the node's own.  Both outlive this.
  PanHome(pan::NodeConfig config, an_Cred cred, std::unique_ptr<pan::Node>& place)
      : config_(std::move(config)), cred_(cred), place_(place) {}
  ~PanHome() override { place_.reset(); }

  Result<void> start(an_Domain parent, WhenEnded ended) override;
  void stop() override;
  void kill() override { stop(); }
  mee::Facts facts() const override;

 private:
  const pan::NodeConfig config_;
  const an_Cred cred_;
  std::unique_ptr<pan::Node>& place_;
  WhenEnded ended_;
};

}  // namespace weft
