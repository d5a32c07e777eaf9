// SPDX-License-Identifier: Apache-2.0
// Which domain is whose, as answers tell it.
//
// Threads: the control thread.
#pragma once

#include <map>
#include <string>

#include "admin/protocol.h"
#include "nodeos_api/domain.h"
#include "tools/weftd/assembly.h"

namespace weft {

// Null when the domain has ended, or is none.
inline admin::Json domain_number(an_Domain handle) {
  Domain* const domain = handle != nullptr ? find<Domain>(handle) : nullptr;
  return domain != nullptr ? admin::Json(domain->index()) : admin::Json();
}

// Whose domain it is: the EE's that it belongs to, or that one of its ancestors belongs to.
class Owners {
 public:
  explicit Owners(Assembly& node) {
    names_[node.nodeos().root().handle()] = "node";
    names_[node.ees().manager().domain()] = "mee";
    for (const mee::EeView& ee : node.ees().manager().list()) {
      if (ee.facts.domain != nullptr) names_[ee.facts.domain] = ee.name;
    }
  }
  std::string of(const Domain& domain) const {
    for (const Domain* d = &domain; d != nullptr; d = d->parent()) {
      if (const auto found = names_.find(d->handle()); found != names_.end()) return found->second;
    }
    return "";
  }

 private:
  std::map<an_Domain, std::string> names_;
};

}  // namespace weft
