// SPDX-License-Identifier: Apache-2.0
// ElfObject: what matters of an object file for BPF, read with libelf.
//
// It comes from a compiler that the author ran: nodes never read one.
//
// Invariants of one that read_elf() gave: a section has the bytes that it says, or none in bss,
//   and is aligned to at most a page; text is whole instructions; a symbol lies in its section,
//   or at its end; a relocation names a symbol that is there, and a section that is.
//   Where in the section is the linker's question.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::cc {

enum class SectionKind { kText, kRodata, kData, kBss };

struct ElfObject {
  struct Section {
    SectionKind kind;
    std::string name;
    std::vector<uint8_t> bytes;  // none of bss
    uint64_t size;
    uint64_t align;
  };
  struct Symbol {
    std::string name;
    int section;  // index in sections; -1: somewhere else
    uint64_t value;
    bool is_undefined;
    bool is_global;
    bool is_hidden;
    bool is_function;
    bool is_section;
    bool is_variable;  // undefined, and known to be no function
  };
  struct Relocation {
    int section;  // in which it is
    uint64_t offset;
    uint32_t type;
    size_t symbol;  // index in symbols
  };

  std::string file;
  std::vector<Section> sections;
  std::vector<Symbol> symbols;
  std::vector<Relocation> relocations;
};

// `name` is the file's for people.  Any bytes may be given.
// Errors: kInvalid when it is no object file for BPF, or asks for what there is not.
Result<ElfObject> parse_elf(std::span<const uint8_t> bytes, const std::string& name);

// The same of a file, which people know as `name`.  Errors: also kIo.
Result<ElfObject> read_elf(const std::string& file, const std::string& name);

}  // namespace weft::cc
