// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or an Error that says in one sentence what went wrong.
//
// Everything outside the hot path that can fail returns one.  No exception
// crosses a worker or the C border.
//
// Threads: a Result is a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace weft {

// What kind of failure it was.  The NodeOS API maps each to one AN_E* status.
enum class Code : uint8_t {
  kInvalid,       // an argument is wrong
  kNoMemory,      // memory, or a pool, is exhausted
  kPermission,    // the caller may not
  kAdmission,     // the reservation does not fit what is left
  kExists,        // the name or the demux key is taken
  kNotFound,      // no such thing
  kProtocolSpec,  // the protocol chain of a path text is wrong
  kAddressSpec,   // the address attributes of a path text are wrong
  kBusy,          // a device, port or queue is in use
  kLimit,         // a configured bound is reached
  kDead,          // the object was terminated
  kTimedOut,      //
  kIo,            // the system refused
  kUnsupported,   // this node does not offer it
};

struct Error {
  Code code;
  std::string sentence;  // complete, without a final newline; says what was meant
};

// `what` followed by the text of `errno_value`: "open /dev/net/tun: permission denied".
Error system_error(std::string what, int errno_value);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  // REQUIRES: bool(*this)
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  // REQUIRES: !bool(*this)
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  // REQUIRES: !bool(*this)
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace weft
