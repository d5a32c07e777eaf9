// SPDX-License-Identifier: Apache-2.0
#include "mee/loaded_files.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace weft::mee {

namespace {

constexpr int kHow = RTLD_NOW | RTLD_LOCAL;
constexpr int kSpellings = 64;  // of one path, at most

// What the dynamic linker has by that name; null: nothing.  It stays there.
void* there_as(const std::string& name) {
  void* const handle = ::dlopen(name.c_str(), kHow | RTLD_NOLOAD);
  if (handle != nullptr) ::dlclose(handle);
  return handle;
}

}  // namespace

LoadedFiles& LoadedFiles::of_process() {
  static LoadedFiles& files = *new LoadedFiles;
  return files;
}

// The code has a last word, its destructors: on a thread that may make no call of the node.
void LoadedFiles::unload_unneeded() {
  std::vector<std::pair<void*, std::string>> unneeded;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [handle, file] : files_) {
      if (file.state == State::kUnneeded) unneeded.emplace_back(handle, file.name);
    }
  }
  if (unneeded.empty()) return;
  std::thread([&] {
    for (const auto& [handle, name] : unneeded) ::dlclose(handle);
  }).join();
  std::lock_guard lock(mutex_);
  for (const auto& [handle, name] : unneeded) {
    if (there_as(name) == handle) {
      files_[handle].state = State::kStays;
    } else {
      files_.erase(handle);
    }
  }
}

void LoadedFiles::enter(void* handle, State state) {
  std::lock_guard lock(mutex_);
  files_.at(handle).state = state;
}

Result<void> LoadedFiles::check_free(const std::string& path, const std::string& identity) const {
  for (const auto& [handle, file] : files_) {
    if (file.identity != identity) continue;
    if (file.state == State::kRuns) {
      return Error{Code::kBusy,
                   path + " is loaded for another EE, which would share its variables: copy the file"};
    }
    if (file.state == State::kLeft) {
      return Error{Code::kBusy, path +
                                    " is still needed by what an EE of it left when it ended: a thread that "
                                    "has not returned, or memory in packets that are on their way"};
    }
  }
  return {};
}

Result<std::string> LoadedFiles::name_for(const std::string& path, const std::string& identity) const {
  std::string name = path;
  for (int i = 0; i < kSpellings; ++i, name.insert(name.rfind('/') + 1, "./")) {
    void* const there = there_as(name);
    const auto known = files_.find(there);
    if (known == files_.end() || known->second.identity == identity) return name;
  }
  return Error{Code::kBusy, "too many files that were " + path + " before are still loaded"};
}

Result<void*> LoadedFiles::load(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return Error{Code::kNotFound, system_error(path, errno).sentence};
  }
  const std::string identity = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  Result<std::string> name = path;
  {
    std::lock_guard lock(mutex_);
    if (auto free = check_free(path, identity); !free) return free.error();
    name = name_for(path, identity);
  }
  if (!name) return name.error();
  void* const handle = ::dlopen(name->c_str(), kHow);
  if (handle == nullptr) return Error{Code::kNotFound, ::dlerror()};
  std::lock_guard lock(mutex_);
  files_[handle] = {identity, *name, State::kRuns};
  return handle;
}

}  // namespace weft::mee
