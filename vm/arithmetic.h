// SPDX-License-Identifier: Apache-2.0
// The arithmetic of RFC 9669, 4.1, where C++ leaves it undefined.
#pragma once

#include <cstdint>
#include <type_traits>

namespace weft::vm {

template <typename T>
constexpr T divide(T a, T b) {
  return b == 0 ? T(0) : T(a / b);
}
template <typename T>
constexpr T modulo(T a, T b) {
  return b == 0 ? a : T(a % b);
}
// Rounds towards zero; the smallest number divided by -1 is itself.
template <typename T>
constexpr T divide_signed(T a, T b) {
  using S = std::make_signed_t<T>;
  if (b == 0) return 0;
  if (S(b) == -1) return T(0) - a;
  return T(S(a) / S(b));
}
template <typename T>
constexpr T modulo_signed(T a, T b) {
  using S = std::make_signed_t<T>;
  if (b == 0) return a;
  if (S(b) == -1) return 0;
  return T(S(a) % S(b));
}
template <typename T>
constexpr T shift_left(T a, T by) {
  return T(a << (by & (sizeof(T) * 8 - 1)));
}
template <typename T>
constexpr T shift_right(T a, T by) {
  return T(a >> (by & (sizeof(T) * 8 - 1)));
}
template <typename T>
constexpr T shift_arithmetic(T a, T by) {
  return T(std::make_signed_t<T>(a) >> (by & (sizeof(T) * 8 - 1)));
}

}  // namespace weft::vm
