// SPDX-License-Identifier: Apache-2.0
// GeniNode: the NodeOS of this process, whose paths are Geni's.
//
// A process usually has one; tests have several.
//
// Threads: as Node.
#pragma once

#include <map>

#include "base/log.h"
#include "geni/geni.h"
#include "nodeos_api/cpu_bound.h"
#include "nodeos_api/node.h"
#include "nodeos_api/principals.h"

namespace weft {

class Credential;
class FileSpace;
namespace snow {
class Session;
}

class GeniNode final : public Node {
 public:
  struct Parts {  // all outlive the node
    Geni& geni;
    Worker& worker;
    Pool& pool;
    Clock& clock;
    Logger& log;
    FileSpace* files = nullptr;  // that domains see who are given none of their own; null: none
    std::string name = "weft";   // that signatures of credentials are for
  };

  explicit GeniNode(const Parts& parts)
      : Node(parts.worker, parts.pool, parts.clock),
        geni_(parts.geni),
        log_(parts.log),
        has_files_(parts.files != nullptr),
        principals_(parts.name) {
    root().see(parts.files);
  }
  // Ends all domains, with AN_TERM_NODE.
  ~GeniNode() override;

  // The node of a domain.  REQUIRES: it is of this process
  static GeniNode& of(const Domain& domain) { return static_cast<GeniNode&>(domain.node()); }

  // Who may have what; known before the first EE asks.  Those who are not named are nobody.
  Principals& principals() { return principals_; }
  // Credentials that were shown, by those that come and go.
  void add(Credential& c) { credentials_.push_back(&c); }
  void remove(Credential& c) { std::erase(credentials_, &c); }

  // Sessions of EEs in other processes, likewise.
  void add(snow::Session& s) { sessions_.push_back(&s); }
  void remove(snow::Session& s) { std::erase(sessions_, &s); }
  const std::vector<snow::Session*>& sessions() const { return sessions_; }

  Geni& geni() const { return geni_; }
  Logger& log() const { return log_; }
  // Whether any of its domains has, or had.
  bool has_files() const override { return has_files_.load(std::memory_order_relaxed); }
  bool admit(Domain& fresh, an_Cred cred) override;
  std::string_view port_name(uint16_t port) const override { return geni_.port(port).name; }

 private:
  Geni& geni_;
  Logger& log_;
  std::atomic<bool> has_files_;  // set on the control thread
  Principals principals_;
  std::vector<Credential*> credentials_;
  std::map<Quota*, std::unique_ptr<CpuBound>> cpu_bounds_;
  std::vector<snow::Session*> sessions_;
};

}  // namespace weft
