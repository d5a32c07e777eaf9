// SPDX-License-Identifier: Apache-2.0
// GeniNode: the NodeOS of this process, whose paths are Geni's.
//
// A process usually has one; tests have several.
//
// Threads: as Node.
#pragma once

#include "base/log.h"
#include "geni/geni.h"
#include "nodeos_api/node.h"
#include "nodeos_api/principals.h"

namespace weft {

class Credential;
class FileSpace;

class GeniNode final : public Node {
 public:
  struct Parts {  // all outlive the node
    Geni& geni;
    Worker& worker;
    Pool& pool;
    Clock& clock;
    Logger& log;
    FileSpace* files = nullptr;  // null: its domains have none
    std::string name = "weft";   // that signatures of credentials are for
  };

  explicit GeniNode(const Parts& parts)
      : Node(parts.worker, parts.pool, parts.clock),
        geni_(parts.geni),
        log_(parts.log),
        files_(parts.files),
        principals_(parts.name) {}
  // Ends all domains, with AN_TERM_NODE.
  ~GeniNode() override;

  // The node of a domain.  REQUIRES: it is of this process
  static GeniNode& of(const Domain& domain) { return static_cast<GeniNode&>(domain.node()); }

  // Who may have what; known before the first EE asks.  Those who are not named are nobody.
  Principals& principals() { return principals_; }
  // Credentials that were shown, by those that come and go.
  void add(Credential& c) { credentials_.push_back(&c); }
  void remove(Credential& c) { std::erase(credentials_, &c); }

  Geni& geni() const { return geni_; }
  Logger& log() const { return log_; }
  FileSpace* files() const { return files_; }  // null: its domains have none
  bool has_files() const override { return files_ != nullptr; }
  bool admit(Domain& fresh, an_Cred cred) override;
  std::string_view port_name(uint16_t port) const override { return geni_.port(port).name; }

 private:
  Geni& geni_;
  Logger& log_;
  FileSpace* const files_;
  Principals principals_;
  std::vector<Credential*> credentials_;
};

}  // namespace weft
