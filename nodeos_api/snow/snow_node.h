// SPDX-License-Identifier: Apache-2.0
// SnowNode: the node as an EE behind Snow sees it.
//
// Domains, events and packets are this process's own, by the same source as in the node; what
// they need of the node is asked over the Connection.  Packets cross in the rings, whose
// worker here runs the EE's functions for packets and time.
//
// Threads: as Node.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "nodeos_api/node.h"
#include "nodeos_api/snow/connection.h"
#include "nodeos_api/snow/inbox.h"
#include "partner/shm_guest.h"

namespace weft::snow {

struct SnowOptions {
  Clock* clock = nullptr;       // null: the system's
  bool thread = true;           // false: rounds are run by hand
  bool spin = false;            // never sleep
  uint64_t linger_ns = 50'000;  // how long to look, by that clock, before it sleeps
};

class SnowCredential;

class SnowNode final : public Node {
 public:
  // Greets the node at the other end of `socket`, and maps what it gives.
  // Errors: the node's status and words; kIo, if it is gone; the kernel's.
  static Result<std::unique_ptr<SnowNode>> join(OwnedFd socket, const SnowOptions& options);
  // Ends all domains, with AN_TERM_NODE, and lets the node go.
  ~SnowNode() override;

  // The node of a domain.
  static SnowNode& of(const Domain& domain) { return static_cast<SnowNode&>(domain.node()); }

  Connection& connection() const;
  ShmGuest& guest() const;
  Inbox& inbox() const;

  bool admit(Domain& fresh, an_Cred cred) override;
  // What this process keeps to of a principal's bounds.
  Quota& quota_of(const Bounds& bounds);
  // Credentials that were shown, by those that come and go.
  void add(SnowCredential& c) { credentials_.push_back(&c); }
  void remove(SnowCredential& c) { std::erase(credentials_, &c); }

  void end(Domain& domain, an_TermReason reason) override;
  bool has_files() const override { return has_files_; }
  bool windows_memory() const override { return false; }
  std::string_view port_name(uint16_t port) const override;

  // Readable when listen() has something to do.
  int fd() const;

  // Waits for what the node has to say, at most so long (-1: for ever), and acts on it.  False
  // when the node is gone: then all domains have ended.
  bool listen(int timeout_ms);

 private:
  struct Parts;
  SnowNode(std::unique_ptr<Parts> parts, const Welcome& welcome);

  std::unique_ptr<Parts> parts_;
  const bool has_files_;
  std::vector<std::unique_ptr<Quota>> quotas_;
  std::vector<SnowCredential*> credentials_;
  mutable std::map<uint16_t, std::string> port_names_;  // on the worker
};

}  // namespace weft::snow
