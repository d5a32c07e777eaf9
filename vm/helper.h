// SPDX-License-Identifier: Apache-2.0
// Helper: a function of the host that programs may call.
//
// Programs know a helper by its name, which the linker turns into its number.  A helper gets
// R1..R5 and the Call; it never trusts an offset: In and Out arguments, two registers each,
// offset and length, are range-checked and charged for before the function is entered, and what
// it reaches otherwise goes through Call::readable() and Call::writable().  It fails by
// call.fail(), and then touches nothing more; the program does not go on.
//
//   uint64_t checksum(vm::Call& call, vm::In bytes);
//   helpers.add(vm::make_helper<checksum>(7, "checksum"));    // from C: checksum(at, length)
//
// Threads: a table is filled by one thread, then read by all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "vm/call.h"
#include "vm/speculation.h"

namespace weft::vm {

using HelperFunction = uint64_t (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, Call*);

inline constexpr uint32_t kMaxHelpers = 4096;

struct Helper {
  uint32_t number = 0;  // below kMaxHelpers; 0 is none
  std::string name;
  HelperFunction function = nullptr;
  unsigned arguments = 5;  // registers that it looks at
};

class HelperTable {
 public:
  Result<void> add(Helper helper);

  // Null when there is none.
  const Helper* find(uint32_t number) const {
    if (number >= by_number_.size()) return nullptr;
    const Helper& helper = by_number_[bounded(number, by_number_.size())];
    return helper.function != nullptr ? &helper : nullptr;
  }
  const Helper* find(std::string_view name) const;

 private:
  std::vector<Helper> by_number_;
};

// memcpy, memmove, memset and memcmp, which compilers call on their own, as numbers
// `first`.. `first` + 3.
Result<void> add_memory_helpers(HelperTable& table, uint32_t first);

namespace detail {

template <typename T>
inline constexpr unsigned kTaken = std::is_same_v<T, In> || std::is_same_v<T, Out> ? 2 : 1;

template <typename T>
T argument(Call& call, const uint64_t* r) {
  if constexpr (std::is_same_v<T, In>) {
    return call.readable(r[0], r[1]);
  } else if constexpr (std::is_same_v<T, Out>) {
    return call.writable(r[0], r[1]);
  } else {
    static_assert(std::is_integral_v<T>, "a helper takes integers, In and Out");
    return T(r[0]);
  }
}

// The register that argument `i` begins in.
template <typename... Args>
constexpr unsigned first(size_t i) {
  const unsigned sizes[] = {kTaken<Args>..., 0};
  unsigned sum = 0;
  for (size_t k = 0; k < i; ++k) sum += sizes[k];
  return sum;
}

template <auto kFunction, typename... Args, size_t... kIndex>
uint64_t enter([[maybe_unused]] const uint64_t* r, Call& call, std::index_sequence<kIndex...>) {
  static_assert(first<Args...>(sizeof...(Args)) <= 5, "there are five registers");
  // Braces: checked from left to right.
  std::tuple<Args...> arguments{argument<Args>(call, r + first<Args...>(kIndex))...};
  if constexpr (((kTaken < Args >> 1) || ...)) {
    if (call.failed()) return 0;
  }
  return kFunction(call, std::get<kIndex>(arguments)...);
}

template <auto kFunction, typename Signature>
struct Typed;
template <auto kFunction, typename... Args>
struct Typed<kFunction, uint64_t (*)(Call&, Args...)> {
  static constexpr unsigned kArguments = (kTaken<Args> + ... + 0);
  static uint64_t call(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, Call* call) {
    const uint64_t r[] = {r1, r2, r3, r4, r5};
    return enter<kFunction, Args...>(r, *call, std::index_sequence_for<Args...>());
  }
};

}  // namespace detail

// uint64_t kFunction(Call&, arguments...) as a helper.
template <auto kFunction>
Helper make_helper(uint32_t number, std::string name) {
  using Typed = detail::Typed<kFunction, decltype(kFunction)>;
  return {number, std::move(name), &Typed::call, Typed::kArguments};
}

}  // namespace weft::vm
