// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/linker.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "tools/weft_cc/externs.h"
#include "vm/program.h"

namespace weft::cc {

namespace {

using vm::Image;
using vm::Instruction;
using Kind = vm::Relocation::Kind;

// The relocations of LLVM's BPF target.
enum : uint32_t { kBpf64_64 = 1, kBpf64Abs64 = 2, kBpf64Abs32 = 3, kBpf64Nodyld32 = 4, kBpf64_32 = 10 };

class Linker {
 public:
  Linker(std::span<const ElfObject> objects, bool keep_names) : objects_(objects), keep_names_(keep_names) {
    for (const ElfObject& o : objects) at_.emplace_back(o.sections.size());
  }

  Result<Image> run() {
    place(SectionKind::kText);
    if (text_.empty()) return Error{Code::kInvalid, "there is no function in the program"};
    image_.text.resize(text_.size() / sizeof(Instruction));
    std::memcpy(image_.text.data(), text_.data(), text_.size());
    place(SectionKind::kRodata);
    place(SectionKind::kData);
    place(SectionKind::kBss);
    if (auto sizes = check_sizes(); !sizes) return sizes.error();
    if (auto names = collect_names(); !names) return names.error();
    for (size_t o = 0; o < objects_.size(); ++o) {
      for (const ElfObject::Relocation& r : objects_[o].relocations) {
        if (auto done = relocate(o, r); !done) return done.error();
      }
    }
    if (auto good = verify(); !good) return good.error();
    return std::move(image_);
  }

 private:
  // A place in the image: a slot of the text, an offset in the statics, or an import.
  struct Place {
    enum class In { kText, kStatics, kImports } in;
    uint32_t at;
  };

  static Error wrong(const ElfObject& o, const std::string& what) {
    return {Code::kInvalid, o.file + ": " + what};
  }

  // Puts all sections of a kind behind each other.
  void place(SectionKind kind) {
    for (size_t o = 0; o < objects_.size(); ++o) {
      const auto& sections = objects_[o].sections;
      for (size_t s = 0; s < sections.size(); ++s) {
        if (sections[s].kind == kind) at_[o][s] = place(sections[s]);
      }
    }
  }
  uint32_t place(const ElfObject::Section& s) {
    // Instructions run on from one section to the next.
    const uint64_t align = s.kind == SectionKind::kText ? 1 : s.align;
    if (s.kind == SectionKind::kBss) {
      // Behind data, so the alignment counts from there.
      const uint64_t at = (image_.data.size() + bss_ + align - 1) / align * align;
      bss_ = at + s.size - image_.data.size();
      return image_.data_offset() + uint32_t(at);
    }
    std::vector<uint8_t>& into = s.kind == SectionKind::kText     ? text_
                                 : s.kind == SectionKind::kRodata ? image_.rodata
                                                                  : image_.data;
    into.resize((into.size() + align - 1) / align * align);
    const size_t at = into.size();
    into.insert(into.end(), s.bytes.begin(), s.bytes.end());
    return uint32_t(at) + (s.kind == SectionKind::kData ? image_.data_offset() : 0);
  }

  Result<void> check_sizes() {
    if (image_.text.size() > vm::kMaxInstructions) {
      return Error{Code::kLimit, "the program has " + std::to_string(image_.text.size()) +
                                     " instructions; at most " + std::to_string(vm::kMaxInstructions) +
                                     " are allowed"};
    }
    const size_t most = std::max({uint64_t(image_.rodata.size()), uint64_t(image_.data.size()), bss_});
    if (most > vm::kMaxImageStatics) {
      return Error{Code::kLimit, "the program has " + std::to_string(most) +
                                     " bytes of variables of one kind; at most " +
                                     std::to_string(vm::kMaxImageStatics) + " are allowed"};
    }
    image_.bss_bytes = uint32_t(bss_);
    return {};
  }

  // Where a symbol that is defined in object `o` is.
  std::optional<Place> defined(size_t o, const ElfObject::Symbol& s) const {
    if (s.section < 0) return std::nullopt;
    const uint32_t at = at_[o][size_t(s.section)] + uint32_t(s.value);
    if (objects_[o].sections[size_t(s.section)].kind == SectionKind::kText) {
      return Place{Place::In::kText, at / uint32_t(sizeof(Instruction))};
    }
    return Place{Place::In::kStatics, at};
  }

  Result<void> collect_names() {
    for (size_t o = 0; o < objects_.size(); ++o) {
      for (const ElfObject::Symbol& s : objects_[o].symbols) {
        auto place = defined(o, s);
        if (!place || s.is_section || s.name.empty()) continue;
        if (s.is_global && !globals_.emplace(s.name, *place).second) {
          return Error{Code::kExists, objects_[o].file + ": " + s.name + " is defined twice"};
        }
        if (auto added = add_name(objects_[o], s, *place); !added) return added;
      }
    }
    return {};
  }
  Result<void> add_name(const ElfObject& o, const ElfObject::Symbol& s, const Place& place) {
    using SymbolKind = vm::Symbol::Kind;
    const bool in_text = place.in == Place::In::kText;
    const bool is_export = in_text && s.is_function && s.is_global && !s.is_hidden;
    if (!is_export && (!keep_names_ || (in_text && !s.is_function))) return {};
    if (auto good = check_name(o, s.name); !good) return good;
    const SymbolKind kind = is_export ? SymbolKind::kExport
                            : in_text ? SymbolKind::kFunction
                                      : SymbolKind::kObject;
    image_.symbols.push_back({kind, place.at, s.name});
    return {};
  }

  static Result<void> check_name(const ElfObject& o, const std::string& name) {
    if (name.empty()) return wrong(o, "a function has no name");
    if (name.size() > vm::kMaxName) {
      return wrong(o, "the name " + name + " has " + std::to_string(name.size()) + " characters; at most " +
                          std::to_string(vm::kMaxName) + " are allowed");
    }
    if (std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; })) return {};
    return wrong(o, "the name " + name + " has a character that is not ASCII, or not printable");
  }

  Result<Place> import(const ElfObject& o, const ElfObject::Symbol& s) {
    if (s.is_variable) return no_variable(o, s);
    if (auto good = check_name(o, s.name); !good) return good.error();
    auto found = std::find(image_.imports.begin(), image_.imports.end(), s.name);
    const auto at = uint32_t(found - image_.imports.begin());
    if (found == image_.imports.end()) image_.imports.push_back(s.name);
    return Place{Place::In::kImports, at};
  }

  Result<Place> resolve(size_t o, const ElfObject::Symbol& s) {
    if (auto place = defined(o, s)) return *place;
    if (!s.is_undefined)
      return wrong(objects_[o], "the symbol " + s.name + " is in a section that is not known here");
    if (auto found = globals_.find(s.name); found != globals_.end()) return found->second;
    return import(objects_[o], s);
  }

  Result<void> relocate(size_t o, const ElfObject::Relocation& r) {
    const ElfObject& object = objects_[o];
    const ElfObject::Symbol& symbol = object.symbols[r.symbol];
    if (r.type == kBpf64Abs32 || r.type == kBpf64Nodyld32)
      return wrong(object, "a pointer to " + symbol.name + " is kept in 32 bits; pointers have 64");
    if (r.type != kBpf64_64 && r.type != kBpf64_32 && r.type != kBpf64Abs64)
      return wrong(object, "a relocation of the unknown type " + std::to_string(r.type));
    const ElfObject::Section& section = object.sections[size_t(r.section)];
    if (!fits(section, r))
      return wrong(object, "a relocation in " + section.name + " where there is nothing to relocate");
    auto target = resolve(o, symbol);
    if (!target) return target.error();
    const uint32_t at = at_[o][size_t(r.section)] + uint32_t(r.offset);
    const uint32_t slot = at / uint32_t(sizeof(Instruction));
    if (r.type == kBpf64_64) return relocate_lddw(object, slot, *target, symbol);
    if (r.type == kBpf64_32) return relocate_call(object, slot, *target, symbol);
    return relocate_data(object, at, *target, symbol);
  }

  // Is there, in the section, what a relocation of this type fills in?
  static bool fits(const ElfObject::Section& s, const ElfObject::Relocation& r) {
    if (r.type == kBpf64Abs64) {
      return (s.kind == SectionKind::kRodata || s.kind == SectionKind::kData) && r.offset < s.size &&
             s.size - r.offset >= sizeof(uint64_t);
    }
    const bool is_call = r.type == kBpf64_32;
    const uint64_t bytes = (is_call ? 1 : 2) * sizeof(Instruction);
    if (s.kind != SectionKind::kText || r.offset % sizeof(Instruction) != 0 || r.offset >= s.size ||
        s.size - r.offset < bytes)
      return false;
    const uint8_t opcode = s.bytes[size_t(r.offset)];
    return opcode == (is_call ? vm::kCallOpcode : vm::kLddwOpcode);
  }

  static Error no_variable(const ElfObject& object, const ElfObject::Symbol& symbol) {
    return wrong(object, "the variable " + symbol.name + " is in no file; only functions can be imported");
  }

  Result<void> relocate_lddw(const ElfObject& object, uint32_t at, Place target,
                             const ElfObject::Symbol& symbol) {
    const uint64_t addend = uint32_t(image_.text[at].imm) | uint64_t(uint32_t(image_.text[at + 1].imm)) << 32;
    image_.text[at].imm = image_.text[at + 1].imm = 0;
    switch (target.in) {
      case Place::In::kText:
        image_.relocations.push_back(
            {Kind::kLddwFunction, at, target.at + uint32_t(addend / sizeof(Instruction))});
        break;
      case Place::In::kStatics:
        image_.relocations.push_back({Kind::kLddwStatic, at, target.at + uint32_t(addend)});
        break;
      case Place::In::kImports:
        if (addend != 0 || reads_through(image_.text, at)) return no_variable(object, symbol);
        image_.relocations.push_back({Kind::kLddwImport, at, target.at});
        break;
    }
    return {};
  }

  Result<void> relocate_call(const ElfObject& object, uint32_t at, Place target,
                             const ElfObject::Symbol& symbol) {
    Instruction& i = image_.text[at];
    switch (target.in) {
      case Place::In::kText:
        // Both count from the slot behind.
        i = vm::make(vm::kCallOpcode, 0, vm::kCallLocal, 0, int32_t(target.at + uint32_t(i.imm) - at));
        return {};
      case Place::In::kImports:
        i = vm::make(vm::kCallOpcode, 0, vm::kCallHelper, 0, 0);
        image_.relocations.push_back({Kind::kCallImport, at, target.at});
        return {};
      case Place::In::kStatics:
        return wrong(object, symbol.name + " is called, and is a variable");
    }
    return {};
  }

  Result<void> relocate_data(const ElfObject& object, uint32_t at, Place target,
                             const ElfObject::Symbol& symbol) {
    auto* stored = const_cast<uint8_t*>(image_.stored(at, 8));
    if (stored == nullptr) return wrong(object, "a relocation outside of the variables");
    const uint64_t addend = load<uint64_t>(stored);
    store(stored, uint64_t(0));
    switch (target.in) {
      case Place::In::kText:
        image_.relocations.push_back(
            {Kind::kDataFunction, at, target.at + uint32_t(addend / sizeof(Instruction))});
        break;
      case Place::In::kStatics:
        image_.relocations.push_back({Kind::kDataStatic, at, target.at + uint32_t(addend)});
        break;
      case Place::In::kImports:
        if (addend != 0) return no_variable(object, symbol);
        image_.relocations.push_back({Kind::kDataImport, at, target.at});
        break;
    }
    return {};
  }

  // As a node will, with every import there.
  Result<void> verify() const {
    auto read = vm::read_image(vm::write_image(image_));
    if (!read) return read.error();
    auto program = vm::Program::link(*read, {std::make_shared<vm::HelperTable>(), image_.imports});
    if (!program)
      return Error{program.error().code, where(program.error().sentence) + program.error().sentence};
    return {};
  }

  // The file and the function of what the verifier complains about: "instruction 3 (...): ...".
  std::string where(const std::string& complaint) const {
    unsigned slot = 0;
    if (std::sscanf(complaint.c_str(), "instruction %u ", &slot) != 1) return "";
    const ElfObject* object = nullptr;
    std::string function;
    uint32_t begin = 0;
    for (size_t o = 0; o < objects_.size(); ++o) {
      for (const ElfObject::Symbol& s : objects_[o].symbols) {
        const auto place = defined(o, s);
        if (!s.is_function || !place || place->in != Place::In::kText) continue;
        if (place->at > slot || place->at < begin) continue;
        object = &objects_[o];
        begin = place->at;
        function = s.name;
      }
    }
    return object == nullptr ? "" : object->file + ": function " + function + ": ";
  }

  std::span<const ElfObject> objects_;
  const bool keep_names_;
  Image image_;
  std::vector<uint8_t> text_;
  uint64_t bss_ = 0;
  std::vector<std::vector<uint32_t>> at_;  // of each section: text in bytes, else in the statics
  std::map<std::string, Place> globals_;
};

}  // namespace

Result<Image> link(std::span<const ElfObject> objects, bool keep_names) {
  return Linker(objects, keep_names).run();
}

}  // namespace weft::cc
