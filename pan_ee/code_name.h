// SPDX-License-Identifier: Apache-2.0
// CodeName: which code object.  The hash of its contents, so that nobody hands out
// names and nobody can substitute code.  (PAN, section 4.5.1.)
//
// 33 bytes: the kind of hash, and the hash, with zeros behind a short one.
//
// Threads: a plain value.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weft::pan {

enum class HashKind : uint8_t {
  kSha256 = 1,  // what new names are made with
  kSha1 = 2,    // of old code objects
  kMd5 = 3,     // likewise
};

struct CodeName {
  static constexpr size_t kSize = 33;
  std::array<uint8_t, kSize> bytes{};

  static CodeName at(const uint8_t* p) {
    CodeName n;
    std::memcpy(n.bytes.data(), p, kSize);
    return n;
  }
  void write(uint8_t* p) const { std::memcpy(p, bytes.data(), kSize); }
  friend bool operator==(const CodeName&, const CodeName&) = default;
};

// The name of what a code object consists of.  REQUIRES: a kind that is listed
CodeName name_of(HashKind kind, std::string_view contents);
inline CodeName name_of(std::string_view contents) { return name_of(HashKind::kSha256, contents); }

// Whether the 33 bytes at `p` can be a name: a known kind, and zeros behind its hash.
bool is_code_name(const uint8_t* p);

// "sha256:5891b5b5..." with the first 8 bytes; for people.
std::string to_text(const CodeName& name);

}  // namespace weft::pan
