// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/elf_object.h"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "tools/weft_cc/externs.h"
#include "tools/weft_cc/read_file.h"
#include "vm/image.h"

namespace weft::cc {

namespace {

struct CloseElf {
  void operator()(Elf* elf) const { ::elf_end(elf); }
};

std::optional<SectionKind> kind_of(const GElf_Shdr& header, const std::string& name) {
  if ((header.sh_flags & SHF_ALLOC) == 0 || name == ".eh_frame") return std::nullopt;
  if (header.sh_type == SHT_NOBITS) return SectionKind::kBss;
  if (header.sh_type != SHT_PROGBITS) return std::nullopt;
  if ((header.sh_flags & SHF_EXECINSTR) != 0) return SectionKind::kText;
  return (header.sh_flags & SHF_WRITE) != 0 ? SectionKind::kData : SectionKind::kRodata;
}

// What a host would have to call, and does not.
bool is_constructors(const GElf_Shdr& header, const std::string& name) {
  return header.sh_type == SHT_INIT_ARRAY || header.sh_type == SHT_PREINIT_ARRAY ||
         name.starts_with(".ctors");
}
bool is_destructors(const GElf_Shdr& header, const std::string& name) {
  return header.sh_type == SHT_FINI_ARRAY || name.starts_with(".dtors");
}

class Reader {
 public:
  Reader(Elf* elf, const std::string& file) : elf_(elf) { object_.file = file; }

  Result<ElfObject> run() {
    GElf_Ehdr header{};
    if (::gelf_getehdr(elf_, &header) == nullptr || header.e_machine != EM_BPF || header.e_type != ET_REL ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
      return wrong("it is no object file for BPF");
    }
    if (::elf_getshdrstrndx(elf_, &names_) != 0) return wrong("its sections have no names");
    if (auto done = each(&Reader::section); !done) return done.error();
    if (auto done = each(&Reader::symbols); !done) return done.error();
    if (auto done = each(&Reader::relocations); !done) return done.error();
    return std::move(object_);
  }

 private:
  using Step = Result<void> (Reader::*)(Elf_Scn*, const GElf_Shdr&);

  Error wrong(const std::string& what) const { return {Code::kInvalid, object_.file + ": " + what}; }

  Result<void> each(Step step) {
    for (Elf_Scn* s = nullptr; (s = ::elf_nextscn(elf_, s)) != nullptr;) {
      GElf_Shdr header{};
      if (::gelf_getshdr(s, &header) == nullptr) return wrong("a section is damaged");
      if (auto done = (this->*step)(s, header); !done) return done;
    }
    return {};
  }

  // All bytes of a section; none when it is cut off.
  static std::span<const uint8_t> bytes_of(Elf_Scn* s, const GElf_Shdr& header) {
    const Elf_Data* data = ::elf_getdata(s, nullptr);
    if (data == nullptr || data->d_buf == nullptr || data->d_size != header.sh_size) return {};
    return {static_cast<const uint8_t*>(data->d_buf), data->d_size};
  }

  Result<void> section(Elf_Scn* s, const GElf_Shdr& header) {
    const char* named = ::elf_strptr(elf_, names_, header.sh_name);
    if (named == nullptr) return wrong("a section has no name");
    const std::string name = named;
    if (header.sh_type == SHT_RELA) return wrong("it has relocations of the kind RELA");
    if (name == ".BTF") variables_ = extern_variables(bytes_of(s, header));
    if (header.sh_size == 0) return {};
    if (is_constructors(header, name)) {
      return wrong(
          "it has a constructor (section " + name +
          "), which nothing would call; give variables their values where they are defined, or export "
          "a function to be called, as init() of a code object");
    }
    if (is_destructors(header, name)) {
      return wrong(
          "it has a destructor (section " + name +
          "), which nothing would call; export a function to be called, as finalize() of a code object");
    }
    const auto kind = kind_of(header, name);
    return kind ? add(s, header, name, *kind) : Result<void>();
  }

  Result<void> add(Elf_Scn* s, const GElf_Shdr& header, const std::string& name, SectionKind kind) {
    ElfObject::Section made{kind, name, {}, header.sh_size, std::max<uint64_t>(header.sh_addralign, 1)};
    if (!std::has_single_bit(made.align) || made.align > vm::kPageBytes) {
      return wrong("the section " + name + " is aligned to " + std::to_string(made.align) +
                   " bytes; at most " + std::to_string(vm::kPageBytes) + " are possible");
    }
    if (made.size > vm::kMaxImageStatics) {
      return wrong("the section " + name + " has " + std::to_string(made.size) + " bytes; at most " +
                   std::to_string(vm::kMaxImageStatics) + " are allowed");
    }
    if (kind != SectionKind::kBss) {
      const auto bytes = bytes_of(s, header);
      if (bytes.empty()) return wrong("the section " + name + " is cut off");
      made.bytes.assign(bytes.begin(), bytes.end());
    }
    if (kind == SectionKind::kText && made.size % sizeof(vm::Instruction) != 0) {
      return wrong("the code in " + name + " ends within an instruction");
    }
    index_[::elf_ndxscn(s)] = int(object_.sections.size());
    object_.sections.push_back(std::move(made));
    return {};
  }

  int section_at(size_t number) const {
    auto found = index_.find(number);
    return found == index_.end() ? -1 : found->second;
  }

  Result<void> symbols(Elf_Scn* s, const GElf_Shdr& header) {
    if (header.sh_type != SHT_SYMTAB) return {};
    if (!object_.symbols.empty()) return wrong("it has two tables of symbols");
    Elf_Data* data = ::elf_getdata(s, nullptr);
    GElf_Sym symbol{};
    for (int n = 0; ::gelf_getsym(data, n, &symbol) != nullptr; ++n) {
      const char* named = ::elf_strptr(elf_, header.sh_link, symbol.st_name);
      const std::string name = named == nullptr ? "" : named;
      const unsigned type = GELF_ST_TYPE(symbol.st_info);
      const int where = section_at(symbol.st_shndx);
      const bool undefined = symbol.st_shndx == SHN_UNDEF;
      if (where >= 0 && symbol.st_value > object_.sections[size_t(where)].size) {
        return wrong("the symbol " + name + " lies outside of its section");
      }
      object_.symbols.push_back(
          {.name = name,
           .section = where,
           .value = symbol.st_value,
           .is_undefined = undefined,
           .is_global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL,
           .is_hidden = GELF_ST_VISIBILITY(symbol.st_other) != STV_DEFAULT,
           .is_function = type == STT_FUNC,
           .is_section = type == STT_SECTION,
           .is_variable = undefined && (type == STT_OBJECT || variables_.contains(name))});
    }
    return {};
  }

  Result<void> relocations(Elf_Scn* s, const GElf_Shdr& header) {
    const int where = section_at(header.sh_info);
    if (header.sh_type != SHT_REL || where < 0) return {};  // of debug information
    Elf_Data* data = ::elf_getdata(s, nullptr);
    GElf_Rel r{};
    for (int n = 0; ::gelf_getrel(data, n, &r) != nullptr; ++n) {
      if (GELF_R_SYM(r.r_info) >= object_.symbols.size()) return wrong("a relocation has no symbol");
      object_.relocations.push_back(
          {where, r.r_offset, uint32_t(GELF_R_TYPE(r.r_info)), GELF_R_SYM(r.r_info)});
    }
    return {};
  }

  Elf* elf_;
  size_t names_ = 0;
  std::map<size_t, int> index_;  // of ELF sections, to ours
  std::set<std::string> variables_;
  ElfObject object_;
};

bool is_bitcode(std::span<const uint8_t> bytes) {
  constexpr uint8_t kMark[] = {'B', 'C', 0xc0, 0xde};
  return bytes.size() >= sizeof kMark && std::equal(std::begin(kMark), std::end(kMark), bytes.begin());
}

}  // namespace

Result<ElfObject> parse_elf(std::span<const uint8_t> bytes, const std::string& name) {
  if (is_bitcode(bytes)) {
    return Error{Code::kInvalid,
                 name + ": it is bitcode of clang, no object file; leave out -flto and -emit-llvm"};
  }
  if (::elf_version(EV_CURRENT) == EV_NONE) return Error{Code::kUnsupported, "libelf is too old"};
  std::vector<char> copy(bytes.begin(), bytes.end());  // libelf may write into it
  const std::unique_ptr<Elf, CloseElf> elf(copy.empty() ? nullptr : ::elf_memory(copy.data(), copy.size()));
  if (elf == nullptr) return Error{Code::kInvalid, name + ": it is no object file for BPF"};
  return Reader(elf.get(), name).run();
}

Result<ElfObject> read_elf(const std::string& file, const std::string& name) {
  auto bytes = read_file(file, name);
  if (!bytes) return bytes.error();
  return parse_elf(*bytes, name);
}

}  // namespace weft::cc
