// SPDX-License-Identifier: Apache-2.0
#include "partner/shm_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

namespace weft {

Result<ShmMemory::Made> ShmMemory::make(const ShmLayout& layout) {
  if (!layout.valid()) return Error{Code::kInvalid, "no layout of shared memory"};
  OwnedFd memory(::memfd_create("weft-snow", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return system_error("shared memory", errno);
  if (::ftruncate(memory.get(), off_t(layout.size())) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return system_error("shared memory of " + std::to_string(layout.size()) + " bytes", errno);
  }
  int bell[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, bell) != 0) {
    return system_error("bell of shared memory", errno);
  }
  OwnedFd theirs(bell[1]);
  auto mine = map(layout, memory.get(), OwnedFd(bell[0]));
  if (!mine) return mine.error();
  return Made{std::move(*mine), std::move(memory), std::move(theirs)};
}

Result<ShmMemory> ShmMemory::map(const ShmLayout& layout, int memory, OwnedFd bell) {
  struct stat file {};
  if (!layout.valid() || ::fstat(memory, &file) != 0 || size_t(file.st_size) != layout.size()) {
    return Error{Code::kInvalid, "the shared memory is not as large as its layout says"};
  }
  void* at = ::mmap(nullptr, layout.size(), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (at == MAP_FAILED) return system_error("map shared memory", errno);
  return ShmMemory(layout, static_cast<uint8_t*>(at), std::move(bell));
}

ShmMemory::ShmMemory(ShmMemory&& other) noexcept
    : layout_(other.layout_), base_(std::exchange(other.base_, nullptr)), bell_(std::move(other.bell_)) {}

ShmMemory::~ShmMemory() {
  if (base_ != nullptr) ::munmap(base_, layout_.size());
}

// A full socket is a bell that rings already.
void ShmMemory::ring_bell() const { ::send(bell_.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

void ShmMemory::hear_bell() const {
  char strokes[4096];
  ::recv(bell_.get(), strokes, sizeof strokes, MSG_DONTWAIT);
}

}  // namespace weft
