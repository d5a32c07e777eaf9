// SPDX-License-Identifier: Apache-2.0
// CodeObject: a program as it is stored and sent, under the name that is its hash.
// (PAN, section 4.5.4 and figure 4-2.)
//
//   offset  bytes
//        0      7  "WEFTPCO"
//        7     33  name: a kind of hash, and the hash of everything behind these 40 bytes
//       40      2  type of the object: 1, a program
//       42      2  version of the object's format: 1
//       44      2  version of the PNI that its code was made for
//       46      2  number of sections
//       48         sections, each once, by rising type:
//                    2  type        2  zero
//                    4  length in bytes
//                       body
//
//   section  body
//         2  symbolic name, for people: 1 to 64 printable characters without a space
//         3  program image (vm/image.h)
//
// The types 1, 4 and 5 are set aside for dependencies, signatures and keys.  Numbers are in
// network byte order.  Nothing follows the last section.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "pan_ee/code_name.h"

namespace weft::pan {

struct CodeObject {
  CodeName name;
  uint16_t pni_version = 0;
  std::string symbolic_name;
  std::vector<uint8_t> program;

  friend bool operator==(const CodeObject&, const CodeObject&) = default;
};

inline constexpr size_t kMaxCodeObject = 4 << 20;  // bytes
inline constexpr size_t kMaxSymbolicName = 64;

// Whether they begin as one.
bool is_code_object(std::span<const uint8_t> bytes);
bool is_symbolic_name(std::string_view text);

// Reads what write_code_object() wrote, and any kind of hash.  Any bytes may be given: what is
// not exactly a code object that bears its own name is an Error that says what is wrong with
// it.  Whether this node can run it is another question.
Result<CodeObject> read_code_object(std::span<const uint8_t> bytes);

// The bytes of an object with this symbolic name and program, under the name that is their
// SHA-256.  REQUIRES: is_symbolic_name(symbolic_name); the program is not too long
std::vector<uint8_t> write_code_object(uint16_t pni_version, std::string_view symbolic_name,
                                       std::span<const uint8_t> program);

}  // namespace weft::pan
