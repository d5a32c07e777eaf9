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
  // The active node is put into `place` while it runs; that outlives this.
  PanHome(pan::NodeConfig config, std::unique_ptr<pan::Node>& place)
      : config_(std::move(config)), place_(place) {}
  ~PanHome() override { place_.reset(); }

  Result<void> start(an_Domain parent, WhenEnded ended) override;
  void stop() override;
  void kill() override { stop(); }
  mee::Facts facts() const override;

 private:
  const pan::NodeConfig config_;
  std::unique_ptr<pan::Node>& place_;
  WhenEnded ended_;
};

}  // namespace weft
