// SPDX-License-Identifier: Apache-2.0
// Files and directories behind Snow: the node has them open.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/snow/snow_object.h"

namespace weft::snow {

class SnowFile final : public SnowObject<SnowFile, FileKind, Call::kClose> {
 public:
  using SnowObject::SnowObject;
};

class SnowDir final : public SnowObject<SnowDir, DirKind, Call::kClosedir> {
 public:
  using SnowObject::SnowObject;
};

}  // namespace weft::snow
