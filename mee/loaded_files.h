// SPDX-License-Identifier: Apache-2.0
// LoadedFiles: the files whose code is in this process for EEs, and who needs it.
//
// The dynamic linker has one list for the process, and knows a file by the names that it was
// loaded by: asked for a name again it gives what it has, although another file lies there now.  So
// a file that was exchanged is loaded by another spelling of its path while the old one is there.
//
// Threads: any; load() and unload_unneeded() the control thread.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/result.h"

namespace weft::mee {

class LoadedFiles {
 public:
  // Those of the process.  Never destroyed: a thread may let go while it exits.
  static LoadedFiles& of_process();

  // Takes code that nobody needs out of memory.
  void unload_unneeded();
  // Errors: kNotFound, kBusy.
  Result<void*> load(const std::string& path);
  // The EE that it was loaded for has ended, and what it left still needs the code.
  void leave(void* handle) { enter(handle, State::kLeft); }
  // Nobody needs the code.
  void let_go(void* handle) { enter(handle, State::kUnneeded); }

 private:
  enum class State : uint8_t {
    kRuns,      // for an EE
    kLeft,      // for what an EE left
    kUnneeded,  // to be unloaded
    kStays,     // unloaded, but the dynamic linker keeps it
  };
  struct File {
    std::string identity;  // device and inode: nobody else has them while it is mapped
    std::string name;      // that it was loaded by
    State state;
  };

  void enter(void* handle, State state);
  Result<void> check_free(const std::string& path, const std::string& identity) const;
  Result<std::string> name_for(const std::string& path, const std::string& identity) const;

  mutable std::mutex mutex_;
  std::map<void*, File> files_;  // by the dynamic linker's handle
};

}  // namespace weft::mee
