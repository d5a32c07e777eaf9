// SPDX-License-Identifier: Apache-2.0
// ElfObject: what matters of an object file for BPF, read with libelf.
//
// It comes from a compiler that the author ran: nodes never read one.
#pragma once

#include <cstdint>
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

// Errors: kIo; kInvalid when it is no object file for BPF.
Result<ElfObject> read_elf(const std::string& file);

}  // namespace weft::cc
