// SPDX-License-Identifier: Apache-2.0
// Confinement: how a process that is not trusted is to be started, as passive data; and
// what became of it.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weft::isolation {

// CPU time that all processes of one principal have together.
struct SharedCpu {
  std::string principal;  // as Confinement::name
  uint32_t percent;       // of one CPU, 1 or more; the same for all of them
};

struct Confinement {
  std::string name;                       // of its control groups: letters, digits, '_', '-', '.'
  std::vector<std::string> argv;          // the first is the absolute path of the program
  std::vector<std::string> environment;   // "NAME=value"; all of it
  std::string libraries;                  // a folder of shared libraries for it, beside the host's; "": none
  std::vector<std::string> readable;      // files and folders that it may read besides, by absolute paths
  std::string user;                       // a name or a number; "": nobody, if we are root
  uint64_t memory = 0;                    // bytes; 0: no limit
  uint32_t cpu_percent = 0;               // of one CPU; 0: no limit
  std::optional<SharedCpu> shared_cpu{};  // besides
  uint32_t tasks = 64;                    // threads, at most
  // false: no fence but these: its user, its limits, its descriptors and its environment.
  bool isolate = true;
};

// Which fences a process stands behind, and which could not be had: one word or one
// sentence each.  What could not be had is said, and the process starts without.
struct Fences {
  std::vector<std::string> has;
  std::vector<std::string> lacks;
};

}  // namespace weft::isolation
