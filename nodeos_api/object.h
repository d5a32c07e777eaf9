// SPDX-License-Identifier: Apache-2.0
// What all objects of the API have in common: a handle, and memory of one of the
// two models.  (Snow on Silk, section 2.4.)
//
// Threads: made and torn down on the control thread, events on the worker too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "nodeos_api/errors.h"
#include "nodeos_api/handles.h"

namespace weft {

constexpr const char* kMisaligned = "the memory for the object is not aligned as malloc aligns it";

// A T declares `using Handle = an_...` and `static constexpr an_Kind kKind`.
template <typename T>
class Object {
 public:
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // Makes a T in `mem`, or in memory of the node's.  Null, with the failure noted,
  // when `mem` is misaligned or there are no handles left.
  template <typename... Args>
  static T* make(void* mem, Args&&... args) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    if (reinterpret_cast<uintptr_t>(mem) % alignof(std::max_align_t) != 0) {
      fail(AN_EINVAL, kMisaligned);
      return nullptr;
    }
    T* object =
        mem != nullptr ? new (mem) T(std::forward<Args>(args)...) : new T(std::forward<Args>(args)...);
    object->implicit_ = mem == nullptr;
    if (!object->charge_domain()) {
      object->implicit_ ? delete object : object->~T();
      return nullptr;
    }
    object->handle_ = handles().add(T::kKind, object);
    if (object->handle_ == 0) {
      fail(AN_ELIMIT, "1048576 objects are alive; no more can be");
      object->free_memory();
      return nullptr;
    }
    return object;
  }

  // From now on nobody finds it.
  void bury() { handles().remove(handle_); }
  // Torn down, and freed if the memory is the node's.  REQUIRES: buried, and nobody is
  // still using it
  void free_memory() {
    T* self = static_cast<T*>(this);
    if (!implicit_) {
      self->~T();
    } else if constexpr (requires { self->domain(); }) {
      auto& domain = self->domain();
      delete self;
      domain.give_back(sizeof(T));
    } else {
      delete self;
    }
  }
  // Whether its memory is the node's.
  bool implicit() const { return implicit_; }

  auto handle() const { return reinterpret_cast<typename T::Handle>(handle_); }
  uint32_t index() const { return HandleTable::index(handle_); }

 private:
  // An object of a domain is charged to it, if its memory is the node's.
  bool charge_domain() {
    T* self = static_cast<T*>(this);
    if constexpr (requires { self->domain(); }) {
      return !implicit_ || self->domain().charge(sizeof(T));
    }
    return true;
  }

  uint64_t handle_ = 0;
  bool implicit_ = true;
};

template <typename T>
void note_missing(const HandleTable::Found& found) {
  if (found.was) {
    fail(AN_EDEAD, T::kDead);
  } else {
    fail(AN_EINVAL, T::kNever);
  }
}

// The object of a handle; null, with the failure noted, if it is not alive.
template <typename T>
T* find(typename T::Handle handle) {
  const HandleTable::Found found = handles().find(reinterpret_cast<uint64_t>(handle), T::kKind);
  if (found.object != nullptr) return static_cast<T*>(found.object);
  note_missing<T>(found);
  return nullptr;
}

// The object of a handle, for a moment: for calls that run on any of an EE's threads.  Who
// destroys it waits until this ends.
template <typename T>
class Pinned {
 public:
  // Notes the failure if it is not alive.
  explicit Pinned(typename T::Handle handle) : handle_(reinterpret_cast<uint64_t>(handle)) {
    const HandleTable::Found found = handles().pin(handle_, T::kKind);
    object_ = static_cast<T*>(found.object);
    if (object_ == nullptr) note_missing<T>(found);
  }
  ~Pinned() {
    if (object_ != nullptr) handles().unpin(handle_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  explicit operator bool() const { return object_ != nullptr; }
  T* operator->() const { return object_; }

 private:
  uint64_t handle_;
  T* object_;
};

}  // namespace weft
