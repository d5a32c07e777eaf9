// SPDX-License-Identifier: Apache-2.0
// File and Dir of the API: what a domain has open.
//
// Threads: those that may block.  A call keeps what it uses, so that it may be closed
//   meanwhile.
#pragma once

#include <memory>
#include <utility>

#include "nodeos_api/domain.h"
#include "nodeos_api/file_space.h"
#include "nodeos_api/object.h"

namespace weft {

class FileObject final : public Object<FileObject>, public FileKind {
 public:
  FileObject(Domain& domain, std::shared_ptr<OpenFile> open) : domain_(domain), open_(std::move(open)) {}

  Domain& domain() const { return domain_; }
  const std::shared_ptr<OpenFile>& open() const { return open_; }

 private:
  Domain& domain_;
  std::shared_ptr<OpenFile> open_;
};

class DirObject final : public Object<DirObject>, public DirKind {
 public:
  DirObject(Domain& domain, std::shared_ptr<OpenDir> open) : domain_(domain), open_(std::move(open)) {}

  Domain& domain() const { return domain_; }
  const std::shared_ptr<OpenDir>& open() const { return open_; }

 private:
  Domain& domain_;
  std::shared_ptr<OpenDir> open_;
};

// Closes all that the domain has open.
void close_files(Domain& domain);

}  // namespace weft
