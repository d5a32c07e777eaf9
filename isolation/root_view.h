// SPDX-License-Identifier: Apache-2.0
// RootView: a root file system of the process's own, that holds what it may see
// (visible.h) and nothing else, all of it read-only.
//
// The kernel's detached mounts (open_tree(2), move_mount(2)) carry what is to be seen over
// into an empty tmpfs, which then becomes the root (pivot_root(2)); the old root is let go.
//
// Threads: made before the process; enter() in it, in a mount namespace of its own,
//   async-signal-safe.
#pragma once

#include <string>
#include <vector>

#include "isolation/visible.h"

namespace weft::isolation {

class RootView {
 public:
  explicit RootView(const std::vector<Visible>& visible);

  // Returns 0 or an errno.
  int enter() const;

 private:
  struct Item {
    std::string source;
    std::vector<std::string> folders;  // to be made, from the root on
    std::string target;
    bool folder;
    bool device;
  };
  int carry(const Item& item) const;
  std::vector<Item> items_;
};

}  // namespace weft::isolation
