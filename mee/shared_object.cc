// SPDX-License-Identifier: Apache-2.0
#include "mee/shared_object.h"

#include <dlfcn.h>

#include "mee/loaded_files.h"

namespace weft::mee {

Result<void> SharedObject::load(const std::string& path) {
  LoadedFiles::of_process().unload_unneeded();
  const auto handle = LoadedFiles::of_process().load(path);
  if (!handle) return handle.error();
  handle_ = *handle;
  init_ = reinterpret_cast<decltype(&an_eeInit)>(::dlsym(handle_, "an_eeInit"));
  exit_ = reinterpret_cast<decltype(&an_eeExit)>(::dlsym(handle_, "an_eeExit"));
  if (init_ == nullptr)
    return Error{Code::kInvalid, path + " is no EE: it does not define an_eeInit (nodeos_api/an_ee.h)"};
  return {};
}

void SharedObject::leave() {
  if (handle_ != nullptr) LoadedFiles::of_process().leave(handle_);
}

SharedObject::~SharedObject() {
  if (handle_ != nullptr) LoadedFiles::of_process().let_go(handle_);
}

}  // namespace weft::mee
