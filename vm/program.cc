// SPDX-License-Identifier: Apache-2.0
#include "vm/program.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace weft::vm {

// Fills a Program from an image.
struct Program::Linker {
  const Image& image;
  const Environment& environment;
  Program& program;
  std::vector<uint32_t> numbers{};  // of each import

  // The number that an import's name means.
  Result<uint32_t> resolve(const std::string& name) const {
    if (const Helper* h = environment.helpers->find(name); h != nullptr) return h->number;
    const auto& gates = environment.gates;
    auto found = std::find(gates.begin(), gates.end(), name);
    if (found != gates.end()) return kFirstGate + uint32_t(found - gates.begin());
    return Error{Code::kNotFound, "nothing offers the function '" + name + "' that the program calls"};
  }

  Result<void> resolve_imports() {
    for (const std::string& name : image.imports) {
      auto number = resolve(name);
      if (!number) return number.error();
      numbers.push_back(*number);
    }
    return {};
  }

  void set_lddw(uint32_t at, uint64_t value) {
    Instruction& first = program.text_[at];
    first = make(kLddwOpcode, first.dst(), 0, 0, int32_t(uint32_t(value)));
    program.text_[at + 1].imm = int32_t(uint32_t(value >> 32));
  }
  void set_data(uint32_t at, uint64_t value) {
    uint8_t* place = at < image.rodata.size() ? program.rodata_.data() + at
                                              : program.data_.data() + (at - image.data_offset());
    store(place, value);
  }

  // Before verification: all but the handles of functions, which have no number yet.
  void relocate_text() {
    using Kind = Relocation::Kind;
    for (const Relocation& r : image.relocations) {
      if (r.kind == Kind::kLddwStatic) set_lddw(r.where, uint64_t(kStatics) + r.target);
      if (r.kind == Kind::kLddwImport) set_lddw(r.where, numbers[r.target]);
      if (r.kind == Kind::kCallImport) program.text_[r.where].imm = int32_t(numbers[r.target]);
      if (r.kind == Kind::kLddwFunction) {
        const Instruction& i = program.text_[r.where];
        program.text_[r.where] =
            make(kLddwOpcode, i.dst(), kLddwFunction, 0, int32_t(r.target - r.where - 1));
        program.text_[r.where + 1].imm = 0;
      }
    }
  }

  // Where functions begin because the image says so.
  std::vector<uint32_t> roots() const {
    std::vector<uint32_t> all;
    for (const Symbol& s : image.symbols) {
      if (s.kind != Symbol::Kind::kObject) all.push_back(s.at);
    }
    for (const Relocation& r : image.relocations) {
      if (r.kind == Relocation::Kind::kDataFunction) all.push_back(r.target);
    }
    return all;
  }

  bool known(uint32_t number) const {
    if (number >= kFirstGate) return number - kFirstGate < environment.gates.size();
    return environment.helpers->find(number) != nullptr;
  }

  void relocate_functions() {
    for (uint32_t at = 0; at < program.text_.size(); ++at) {
      const Instruction& i = program.text_[at];
      if (!i.is_lddw()) continue;
      if (i.src() == kLddwFunction)
        set_lddw(at, function_handle(program.function_at(at + 1 + uint32_t(i.imm))));
      ++at;
    }
  }

  void relocate_data() {
    using Kind = Relocation::Kind;
    for (const Relocation& r : image.relocations) {
      if (r.kind == Kind::kDataStatic) set_data(r.where, uint64_t(kStatics) + r.target);
      if (r.kind == Kind::kDataImport) set_data(r.where, numbers[r.target]);
      if (r.kind == Kind::kDataFunction) set_data(r.where, function_handle(program.function_at(r.target)));
    }
  }

  void find_entries() {
    for (const Symbol& s : image.symbols) {
      if (s.kind == Symbol::Kind::kExport) program.exports_.emplace_back(s.name, program.function_at(s.at));
    }
    std::sort(program.exports_.begin(), program.exports_.end());
    auto& entries = program.entries_;
    for (const auto& [name, function] : program.exports_) entries.push_back(function);
    if (entries.empty()) entries.push_back(0);
    std::sort(entries.begin(), entries.end());
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  }
};

Result<std::shared_ptr<const Program>> Program::link(const Image& image, const Environment& environment) {
  if (environment.gates.size() > kMaxGates) {
    return Error{Code::kLimit, "a program may have " + std::to_string(kMaxGates) + " gates"};
  }
  std::shared_ptr<Program> program(new Program);
  program->text_ = image.text;
  program->rodata_ = image.rodata;
  program->data_ = image.data;
  program->bss_bytes_ = image.bss_bytes;
  program->helpers_ = environment.helpers;
  program->gates_ = uint32_t(environment.gates.size());

  Linker linker{image, environment, *program};
  if (auto done = linker.resolve_imports(); !done) return done.error();
  linker.relocate_text();
  auto functions =
      verify(program->text_, linker.roots(), [&](uint32_t number) { return linker.known(number); });
  if (!functions) return functions.error();
  program->functions_ = std::move(*functions);
  linker.relocate_functions();
  linker.relocate_data();
  linker.find_entries();
  return std::shared_ptr<const Program>(std::move(program));
}

std::optional<uint32_t> Program::find_export(std::string_view name) const {
  auto found =
      std::lower_bound(exports_.begin(), exports_.end(), name,
                       [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  if (found == exports_.end() || found->first != name) return std::nullopt;
  return found->second;
}

uint32_t Program::function_at(uint32_t slot) const {
  auto found = std::lower_bound(functions_.begin(), functions_.end(), slot,
                                [](const Function& f, uint32_t wanted) { return f.begin < wanted; });
  return uint32_t(found - functions_.begin());
}

bool Program::same_text(const Program& other) const {
  return helpers_ == other.helpers_ && text_ == other.text_ && functions_ == other.functions_ &&
         entries_ == other.entries_;
}

uint64_t Program::text_hash() const {
  uint64_t hash = text_.size();
  for (const Instruction& i : text_) hash = (hash ^ load<uint64_t>(&i)) * 0x9e3779b97f4a7c15 + (hash >> 29);
  return hash;
}

}  // namespace weft::vm
