// SPDX-License-Identifier: Apache-2.0
#include "mee/shared_object.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

namespace weft::mee {

namespace {

// The files that are loaded now.  The dynamic linker has one list for the process, too.
std::set<std::string>& loaded() {
  static std::set<std::string> files;
  return files;
}

}  // namespace

Result<std::unique_ptr<SharedObject>> SharedObject::open(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return Error{Code::kNotFound, system_error(path, errno).sentence};
  std::string identity = std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
  if (loaded().contains(identity))
    return Error{Code::kBusy,
                 path + " is loaded for another EE, which would share its variables: copy the file"};
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return Error{Code::kNotFound, ::dlerror()};
  loaded().insert(identity);
  std::unique_ptr<SharedObject> object(new SharedObject(handle, std::move(identity)));
  object->init_ = reinterpret_cast<decltype(&an_eeInit)>(::dlsym(handle, "an_eeInit"));
  object->exit_ = reinterpret_cast<decltype(&an_eeExit)>(::dlsym(handle, "an_eeExit"));
  if (object->init_ == nullptr)
    return Error{Code::kInvalid, path + " is no EE: it does not define an_eeInit (nodeos_api/an_ee.h)"};
  return object;
}

SharedObject::~SharedObject() {
  ::dlclose(handle_);
  loaded().erase(identity_);
}

}  // namespace weft::mee
