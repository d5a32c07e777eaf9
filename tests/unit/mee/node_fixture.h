// SPDX-License-Identifier: Apache-2.0
// A node without devices, whose clock the test turns, with a management EE.
#pragma once

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "geni/geni.h"
#include "mee/manager.h"
#include "modules/flow.h"
#include "nodeos_api/geni_node.h"
#include "paths/policy_round_robin.h"

namespace weft::mee {

class WithManager : public ::testing::Test, public Host {
 public:
  void run_in(an_Domain domain, const std::function<void()>& work) override {
    const RunningScope scope(node_, find<Domain>(domain), false);
    work();
  }
  void share_code(an_Domain domain, std::shared_ptr<const void> code) override {
    find<Domain>(domain)->share_code(std::move(code));
  }

 protected:
  void SetUp() override {
    auto started = Manager::start(nullptr);
    ASSERT_TRUE(started) << started.error().sentence;
    manager_ = std::move(*started);
  }
  void TearDown() override {
    manager_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  EeView view(std::string_view name) {
    for (EeView& each : manager_->list()) {
      if (each.name == name) return each;
    }
    ADD_FAILURE() << "no EE " << name;
    return {};
  }
  std::string state(std::string_view name) { return mee::name(view(name).state); }
  void pass(uint64_t ns) {
    clock_.advance_ns(ns);
    if (manager_->next_due_ns() <= clock_.now_ns()) manager_->service();
  }
  std::string logged() { return text_.str(); }

  ManualClock clock_;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 256, .pages = PageKind::k4K});
  Fib fib_;
  FlowReader reader_;
  std::ostringstream text_;
  Logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  Demux demux_{fib_, reader_, *pool_};
  Geni geni_{worker_, demux_, {}, {}};
  GeniNode node_{GeniNode::Parts{geni_, worker_, *pool_, clock_, log_}};
  std::unique_ptr<Manager> manager_;
};

}  // namespace weft::mee
