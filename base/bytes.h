// SPDX-License-Identifier: Apache-2.0
// Network byte order: read and write big-endian numbers at any address.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace weft {

inline uint16_t swap_be(uint16_t v) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(v) : v;
}
inline uint32_t swap_be(uint32_t v) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(v) : v;
}
inline uint64_t swap_be(uint64_t v) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(v) : v;
}

// A T as it lies in memory, at any alignment.
template <typename T>
T load(const void* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return v;
}
template <typename T>
void store(void* at, T v) {
  std::memcpy(at, &v, sizeof v);
}

inline uint16_t load_be16(const void* at) { return swap_be(load<uint16_t>(at)); }
inline uint32_t load_be32(const void* at) { return swap_be(load<uint32_t>(at)); }
inline uint64_t load_be64(const void* at) { return swap_be(load<uint64_t>(at)); }
inline void store_be16(void* at, uint16_t v) { store(at, swap_be(v)); }
inline void store_be32(void* at, uint32_t v) { store(at, swap_be(v)); }
inline void store_be64(void* at, uint64_t v) { store(at, swap_be(v)); }

}  // namespace weft
