// SPDX-License-Identifier: Apache-2.0
// Visible: the files that a confined program may see at all.  Both the root view
// (root_view.h) and Landlock (landlock.h) are made from this one list.
//
//   to run    /usr, /lib, /lib64, the program itself (by both names, where it is a symbolic link), and
//             a folder of libraries for it
//   to read   /etc/ld.so.cache: without it the dynamic linker searches (ld.so(8)); and what the
//             operator says
//   devices   /dev/null, /dev/zero, /dev/urandom (null(4), urandom(4))
//
// No /proc, /sys, /run, /home, /tmp and no /etc: what an EE wants of files it asks the
// NodeOS for.
//
// Threads: plain functions.
#pragma once

#include <string>
#include <vector>

namespace weft::isolation {

struct Visible {
  enum Access { kRun, kRead, kDevice };
  std::string path;
  Access access;
  bool folder;
};

// Those that are there.  `program` and `readable` are absolute paths; `libraries` too, or empty.
std::vector<Visible> visible_to(const std::string& program, const std::string& libraries,
                                const std::vector<std::string>& readable = {});

}  // namespace weft::isolation
