// SPDX-License-Identifier: Apache-2.0
// What a domain has, and takes along when it ends.
//
// Threads: the control thread.
#pragma once

namespace weft {

class DomainPart {
 public:
  virtual ~DomainPart() = default;
  // Closes it, leaves the domain, and frees this.
  virtual void destroy() = 0;
};

}  // namespace weft
