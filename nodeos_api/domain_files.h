// SPDX-License-Identifier: Apache-2.0
// DomainFiles: the file name space that a domain sees, and what it has open there.
//
// Threads: the lists belong to who holds the lock of file_api.cc.
#pragma once

#include <vector>

namespace weft {

class DirObject;
class FileObject;
class FileSpace;

struct DomainFiles {
  FileSpace* space;  // null: the domain has no files
  std::vector<FileObject*> files;
  std::vector<DirObject*> dirs;
};

}  // namespace weft
