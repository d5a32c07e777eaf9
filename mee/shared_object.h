// SPDX-License-Identifier: Apache-2.0
// SharedObject: an EE's code in this process (dlopen(3)).
//
// Whoever may still call the code shares this: the EE while it runs, its domains, their threads,
// and attached memory.  When the last has let go, the code is not needed any more, and is taken out
// of memory before the next one is loaded: on the control thread, where no EE's function is then
// running.
//
// Threads: the control thread; the last may let go on any.
#pragma once

#include <string>

#include "base/result.h"
#include "nodeos_api/an_ee.h"

namespace weft::mee {

class SharedObject {
 public:
  SharedObject() = default;
  ~SharedObject();
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;

  // Loads the file, whose undefined an_ calls are found in this program.
  // REQUIRES: called once
  // Errors: kNotFound (no such file, or a call that no node has: the sentence says which),
  // kInvalid (it defines no an_eeInit), kBusy (the file is loaded already, for another EE or for
  // what one that has ended left behind: two would share its variables).
  Result<void> load(const std::string& path);
  // Its EE has ended: whoever shares this now was left behind.
  void leave();

  decltype(&an_eeInit) init() const { return init_; }
  decltype(&an_eeExit) exit() const { return exit_; }  // null: it has none

 private:
  void* handle_ = nullptr;  // null: nothing was loaded
  decltype(&an_eeInit) init_ = nullptr;
  decltype(&an_eeExit) exit_ = nullptr;
};

}  // namespace weft::mee
