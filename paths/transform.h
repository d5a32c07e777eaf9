// SPDX-License-Identifier: Apache-2.0
// Transform: a guard and a rewrite of a path, phase 4 of path creation.
// (Scout: path transformations.)
//
// Threads: on the worker between rounds; settle() at the end of each.
#pragma once

#include "paths/path.h"

namespace weft {

class Transform {
 public:
  virtual ~Transform() = default;
  virtual const char* name() const = 0;
  // Whether the rewrite keeps the path's meaning, and gains.
  virtual bool guard(const Path& path) const = 0;
  virtual void rewrite(Path& path) = 0;
  // Back to stage by stage: a tap is hung on the path, or it is closed.
  virtual void undo(Path& path) = 0;
  // The round ends: the paths are told what passed, if they have not been.
  virtual void settle() {}
};

}  // namespace weft
