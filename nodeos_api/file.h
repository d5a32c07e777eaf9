// SPDX-License-Identifier: Apache-2.0
// File and Dir of the API: what a domain has open.
//
// Threads: the control thread.
#pragma once

#include <memory>
#include <utility>

#include "nodeos_api/domain.h"
#include "nodeos_api/file_space.h"
#include "nodeos_api/object.h"

namespace weft {

template <typename Self, typename Kind, typename Open>
class OpenObject : public Object<Self>, public Kind, public DomainPart {
 public:
  OpenObject(Domain& domain, std::unique_ptr<Open> open) : domain_(domain), open_(std::move(open)) {
    domain_.add(static_cast<DomainPart&>(*this));
  }
  ~OpenObject() override { domain_.remove(static_cast<DomainPart&>(*this)); }

  Domain& domain() const { return domain_; }
  Open& open() const { return *open_; }
  // Closes it.
  void destroy() override {
    this->bury();
    this->free_memory();
  }

 private:
  Domain& domain_;
  const std::unique_ptr<Open> open_;
};

class FileObject final : public OpenObject<FileObject, FileKind, OpenFile> {
 public:
  using OpenObject::OpenObject;
};

class DirObject final : public OpenObject<DirObject, DirKind, OpenDir> {
 public:
  using OpenObject::OpenObject;
};

}  // namespace weft
