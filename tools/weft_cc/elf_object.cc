// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/elf_object.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>

#include <cerrno>
#include <map>
#include <memory>
#include <optional>

#include "base/owned_fd.h"

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

class Reader {
 public:
  Reader(Elf* elf, const std::string& file) : elf_(elf) { object_.file = file; }

  Result<ElfObject> run() {
    GElf_Ehdr header{};
    if (::gelf_getehdr(elf_, &header) == nullptr || header.e_machine != EM_BPF || header.e_type != ET_REL) {
      return wrong("it is no object file for BPF");
    }
    ::elf_getshdrstrndx(elf_, &names_);
    for (Elf_Scn* s = nullptr; (s = ::elf_nextscn(elf_, s)) != nullptr;) section(s);
    for (Elf_Scn* s = nullptr; (s = ::elf_nextscn(elf_, s)) != nullptr;) {
      if (shdr(s).sh_type == SHT_SYMTAB) symbols(s);
    }
    for (Elf_Scn* s = nullptr; (s = ::elf_nextscn(elf_, s)) != nullptr;) {
      if (shdr(s).sh_type == SHT_REL) relocations(s);
      if (shdr(s).sh_type == SHT_RELA) return wrong("it has relocations of the kind RELA");
    }
    return std::move(object_);
  }

 private:
  Error wrong(const std::string& what) const { return {Code::kInvalid, object_.file + ": " + what}; }

  static GElf_Shdr shdr(Elf_Scn* s) {
    GElf_Shdr header{};
    ::gelf_getshdr(s, &header);
    return header;
  }

  void section(Elf_Scn* s) {
    const GElf_Shdr header = shdr(s);
    const char* name = ::elf_strptr(elf_, names_, header.sh_name);
    auto kind = kind_of(header, name == nullptr ? "" : name);
    if (!kind || header.sh_size == 0) return;
    ElfObject::Section made{*kind, name, {}, header.sh_size, header.sh_addralign};
    const Elf_Data* data = ::elf_getdata(s, nullptr);
    if (*kind != SectionKind::kBss && data != nullptr) {
      const auto* bytes = static_cast<const uint8_t*>(data->d_buf);
      made.bytes.assign(bytes, bytes + data->d_size);
    }
    index_[::elf_ndxscn(s)] = int(object_.sections.size());
    object_.sections.push_back(std::move(made));
  }

  int section_at(size_t number) const {
    auto found = index_.find(number);
    return found == index_.end() ? -1 : found->second;
  }

  void symbols(Elf_Scn* s) {
    const GElf_Shdr header = shdr(s);
    Elf_Data* data = ::elf_getdata(s, nullptr);
    GElf_Sym symbol{};
    for (int n = 0; ::gelf_getsym(data, n, &symbol) != nullptr; ++n) {
      const char* name = ::elf_strptr(elf_, header.sh_link, symbol.st_name);
      const unsigned type = GELF_ST_TYPE(symbol.st_info);
      object_.symbols.push_back({.name = name == nullptr ? "" : name,
                                 .section = section_at(symbol.st_shndx),
                                 .value = symbol.st_value,
                                 .is_undefined = symbol.st_shndx == SHN_UNDEF,
                                 .is_global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL,
                                 .is_hidden = GELF_ST_VISIBILITY(symbol.st_other) != STV_DEFAULT,
                                 .is_function = type == STT_FUNC,
                                 .is_section = type == STT_SECTION});
    }
  }

  void relocations(Elf_Scn* s) {
    const int where = section_at(shdr(s).sh_info);
    if (where < 0) return;  // of debug information
    Elf_Data* data = ::elf_getdata(s, nullptr);
    GElf_Rel r{};
    for (int n = 0; ::gelf_getrel(data, n, &r) != nullptr; ++n) {
      object_.relocations.push_back(
          {where, r.r_offset, uint32_t(GELF_R_TYPE(r.r_info)), GELF_R_SYM(r.r_info)});
    }
  }

  Elf* elf_;
  size_t names_ = 0;
  std::map<size_t, int> index_;  // of ELF sections, to ours
  ElfObject object_;
};

}  // namespace

Result<ElfObject> read_elf(const std::string& file) {
  const OwnedFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("open " + file, errno);
  if (::elf_version(EV_CURRENT) == EV_NONE) return Error{Code::kUnsupported, "libelf is too old"};
  const std::unique_ptr<Elf, CloseElf> elf(::elf_begin(fd.get(), ELF_C_READ, nullptr));
  if (elf == nullptr) return Error{Code::kInvalid, file + ": " + ::elf_errmsg(-1)};
  return Reader(elf.get(), file).run();
}

}  // namespace weft::cc
