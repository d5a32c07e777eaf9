// SPDX-License-Identifier: Apache-2.0
// ApiNode: a node that offers the NodeOS API and has no devices, for tests of its domains.
//
// Threads: the test's; the worker is not started.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <memory>
#include <string>

#include "modules/flow.h"
#include "nodeos_api/credential.h"
#include "nodeos_api/geni_node.h"
#include "paths/policy_round_robin.h"

namespace weft::test {

class ApiNode {
 public:
  ~ApiNode() {
    worker_.stop();
    node_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  Pool& pool() { return *pool_; }
  Worker& worker() { return worker_; }
  GeniNode& node() { return *node_; }
  Logger& log() { return log_; }

  // A domain of a new principal that has `limits`.
  an_Domain domain_of_principal(const std::string& name, const QuotaLimits& limits) {
    Principals& principals = node_->principals();
    EXPECT_TRUE(principals.add({.name = name, .limits = limits}, geni_, clock_.now_ns()));
    const Credential* cred = credential_for(*node_, {.principal = principals.named(name)});
    return an_domainCreate(nullptr, node_->root().handle(), cred->handle(), nullptr, nullptr, nullptr,
                           nullptr, nullptr, nullptr);
  }

 private:
  SystemClock clock_;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 256, .pages = PageKind::k4K});
  Fib fib_;
  FlowReader reader_;
  Logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  Demux demux_{fib_, reader_, *pool_};
  Geni geni_{worker_, demux_, {}, {}};
  std::unique_ptr<GeniNode> node_ = std::make_unique<GeniNode>(
      GeniNode::Parts{.geni = geni_, .worker = worker_, .pool = *pool_, .clock = clock_, .log = log_});
};

}  // namespace weft::test
