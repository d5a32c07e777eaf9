// SPDX-License-Identifier: Apache-2.0
// Image: a program as it is stored and sent, before it is linked.
//
// Text, static variables, the names that it offers and wants, and the places that the
// linker has to fill in.  `weft-cc` writes images; read_image() takes bytes from anyone.
//
// Invariants of an Image that read_image() gave: every index and offset lies within what it
//   points into, sizes are within the limits below, names are short and printable, no name
//   is exported twice.  Whether the text may run is the verifier's question.
// Threads: a plain value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/instruction.h"
#include "vm/layout.h"

namespace weft::vm {

inline constexpr uint32_t kMaxInstructions = 65536;
inline constexpr uint32_t kMaxImageStatics = 16 << 20;  // rodata + data, and bss, in bytes
inline constexpr uint32_t kMaxNames = 4096;             // symbols, and imports
inline constexpr uint32_t kMaxRelocations = 65536;
inline constexpr uint32_t kMaxName = 128;

// A name for a place in the image.
struct Symbol {
  enum class Kind : uint8_t {
    kExport,    // a function that the host and other programs may call; `at` is its first slot
    kFunction,  // a function, named for the reader of a dump
    kObject,    // a variable; `at` is its offset in the statics
  };
  Kind kind;
  uint32_t at;
  std::string name;

  friend bool operator==(const Symbol&, const Symbol&) = default;
};

// A place to be filled in when the program is linked.
//
// An offset in the statics is where the byte will lie behind kStatics (layout.h): rodata
// begins at 0, data on the next page, and bss behind data.
struct Relocation {
  enum class Kind : uint8_t {
    kLddwStatic,    // lddw at slot `where` := arena offset of statics + `target`
    kLddwFunction,  // lddw at slot `where` := handle of the function at slot `target`
    kLddwImport,    // lddw at slot `where` := handle of import `target`
    kCallImport,    // call at slot `where` := import `target`
    kDataStatic,    // 8 bytes at statics offset `where` := arena offset of statics + `target`
    kDataFunction,  // 8 bytes at statics offset `where` := handle of the function at `target`
    kDataImport,    // 8 bytes at statics offset `where` := handle of import `target`
  };
  Kind kind;
  uint32_t where;
  uint32_t target;

  friend bool operator==(const Relocation&, const Relocation&) = default;
};

struct Image {
  std::vector<Instruction> text;
  std::vector<uint8_t> rodata;
  std::vector<uint8_t> data;
  uint32_t bss_bytes = 0;  // zeroes behind data
  std::vector<Symbol> symbols;
  std::vector<std::string> imports;
  std::vector<Relocation> relocations;

  uint32_t data_offset() const { return round_to_page(uint32_t(rodata.size())); }  // in the statics
  uint32_t statics_bytes() const { return data_offset() + uint32_t(data.size()) + bss_bytes; }
  // Where the `bytes` at this offset of the statics are stored, or null.
  const uint8_t* stored(uint32_t offset, uint32_t bytes) const;

  friend bool operator==(const Image&, const Image&) = default;
};

// Reads what write_image() wrote.  Any bytes may be given: what is not exactly an image is
// an Error that says what is wrong with it.
Result<Image> read_image(std::span<const uint8_t> bytes);

// REQUIRES: the image keeps the invariants above.
std::vector<uint8_t> write_image(const Image& image);

}  // namespace weft::vm
