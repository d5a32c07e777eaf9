// SPDX-License-Identifier: Apache-2.0
// Objects behind Snow that are the node's: here is a handle for what it calls them.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/domain.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
#include "nodeos_api/snow/snow_node.h"

namespace weft::snow {

inline Connection& to_node(const Domain& domain) { return SnowNode::of(domain).connection(); }
template <typename Part>
Connection& to_node(const Part& part) {
  return to_node(part.domain());
}

// Whether the node is to be told of an end: not if it knows it by the domain's.
inline bool node_must_hear(const Domain& domain) { return !domain.ending(); }

// One of which this process knows nothing else.
template <typename Self, typename Kind, Call kDestroy, typename Part = DomainPart>
class SnowObject : public Object<Self>, public Kind, public Part {
 public:
  SnowObject(Domain& domain, uint64_t at_node) : domain_(domain), at_node_(at_node) {}

  Domain& domain() const { return domain_; }
  uint64_t at_node() const { return at_node_; }
  void open() { domain_.add(static_cast<Part&>(*this)); }
  void destroy() override { (void)close(); }
  // The same; returns what the node has to say of it.
  int close() {
    this->bury();
    const int status = node_must_hear(domain_) ? to_node(domain_).call<kDestroy>({at_node_}) : AN_OK;
    domain_.remove(static_cast<Part&>(*this));
    this->free_memory();
    return status;
  }

 private:
  Domain& domain_;
  const uint64_t at_node_;
};

// An object of this process, of a domain or a part of one, for one that the node has made.  If
// there can be none, the node's is destroyed again.
template <typename T, Call kDestroy, typename Owner, typename Made>
T* adopt(void* mem, Owner& owner, const Made& made, uint64_t handle) {
  T* object = T::make(mem, owner, made);
  if (object == nullptr) {
    const LastFailure why = LastFailure::of_this_thread();
    to_node(owner).template call<kDestroy>({handle});
    LastFailure::of_this_thread() = why;
    return nullptr;
  }
  object->open();
  return object;
}

}  // namespace weft::snow
