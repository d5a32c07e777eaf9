// SPDX-License-Identifier: Apache-2.0
// SharedObject: an EE's code in this process (dlopen(3)).
//
// Threads: the control thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "nodeos_api/an_ee.h"

namespace weft::mee {

class SharedObject {
 public:
  // Loads the file, whose undefined an_ calls are found in this program.
  // Errors: kNotFound (no such file, or a call that no node has: the sentence says which),
  // kInvalid (it defines no an_eeInit), kBusy (the file is loaded already: two EEs would
  // share its variables).
  static Result<std::unique_ptr<SharedObject>> open(const std::string& path);
  ~SharedObject();
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;

  decltype(&an_eeInit) init() const { return init_; }
  decltype(&an_eeExit) exit() const { return exit_; }  // null: it has none

 private:
  SharedObject(void* handle, std::string identity) : handle_(handle), identity_(std::move(identity)) {}

  void* handle_;
  std::string identity_;  // of the file: device and inode
  decltype(&an_eeInit) init_ = nullptr;
  decltype(&an_eeExit) exit_ = nullptr;
};

}  // namespace weft::mee
