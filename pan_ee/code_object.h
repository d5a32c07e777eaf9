// SPDX-License-Identifier: Apache-2.0
// CodeObject: what is evaluated at each node that a capsule passes.  (PAN, section 4.5.)
//
// Threads: the worker.
// Time: accept() does not block, allocate or lock.
#pragma once

#include <cstddef>
#include <string_view>

#include "pan_ee/code_name.h"
#include "pan_ee/environment.h"

namespace weft::pan {

class CodeObject {
 public:
  virtual ~CodeObject() = default;

  virtual const CodeName& name() const = 0;
  virtual std::string_view symbolic_name() const = 0;  // for people: "ping"
  // Bytes of the body that accept() wants to see in one piece.  The rest is never touched.
  virtual size_t window() const = 0;
  // Evaluates one capsule to completion.  (Table 4.1: accept.)
  virtual void accept(Environment& env) = 0;
};

}  // namespace weft::pan
