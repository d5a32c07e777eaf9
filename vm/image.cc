// SPDX-License-Identifier: Apache-2.0
#include "vm/image.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace weft::vm {

namespace {

// All numbers are little-endian.  The header is followed by text, rodata, data, symbols
// (kind, at, name), imports (name), relocations (kind, where, target), and nothing else; a
// name is its length in a byte, then its characters.
struct Header {
  char magic[4];
  uint32_t instructions;
  uint32_t rodata_bytes;
  uint32_t data_bytes;
  uint32_t bss_bytes;
  uint32_t symbols;
  uint32_t imports;
  uint32_t relocations;
};
static_assert(sizeof(Header) == 32);
constexpr char kMagic[4] = {'W', 'V', 'M', '1'};
constexpr size_t kRelocationBytes = 9;

Error wrong(std::string what) { return {Code::kInvalid, "program image: " + std::move(what)}; }

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : left_(bytes) {}

  size_t left() const { return left_.size(); }
  // Null when there are not that many.
  const uint8_t* take(size_t bytes) {
    if (bytes > left_.size()) return nullptr;
    const uint8_t* at = left_.data();
    left_ = left_.subspan(bytes);
    return at;
  }
  template <typename T>
  bool take_number(T& value) {
    const uint8_t* at = take(sizeof(T));
    if (at == nullptr) return false;
    value = load<T>(at);
    return true;
  }
  bool take_name(std::string& name) {
    uint8_t length = 0;
    if (!take_number(length) || length == 0 || length > kMaxName) return false;
    const uint8_t* at = take(length);
    if (at == nullptr) return false;
    name.assign(reinterpret_cast<const char*>(at), length);
    return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  }
  void take_bytes(size_t bytes, std::vector<uint8_t>& into) {
    const uint8_t* at = take(bytes);
    into.assign(at, at + bytes);
  }

 private:
  std::span<const uint8_t> left_;
};

Result<void> check_sizes(const Header& h, size_t body) {
  if (h.instructions == 0) return wrong("it has no instructions");
  if (h.instructions > kMaxInstructions) {
    return wrong(std::to_string(h.instructions) + " instructions, at most " +
                 std::to_string(kMaxInstructions) + " are allowed");
  }
  if (h.rodata_bytes > kMaxImageStatics || h.data_bytes > kMaxImageStatics ||
      h.bss_bytes > kMaxImageStatics) {
    return wrong("more static variables than " + std::to_string(kMaxImageStatics) + " bytes");
  }
  if (h.symbols > kMaxNames || h.imports > kMaxNames) {
    return wrong("more than " + std::to_string(kMaxNames) + " names");
  }
  if (h.relocations > kMaxRelocations)
    return wrong("more than " + std::to_string(kMaxRelocations) + " relocations");
  const uint64_t fixed = uint64_t(h.instructions) * sizeof(Instruction) + h.rodata_bytes + h.data_bytes;
  if (fixed > body) return wrong("it ends before its text and data do");
  return {};
}

Result<void> read_symbols(Reader& in, uint32_t count, Image& image) {
  for (uint32_t i = 0; i < count; ++i) {
    Symbol symbol{};
    uint8_t kind = 0;
    if (!in.take_number(kind) || !in.take_number(symbol.at) || !in.take_name(symbol.name)) {
      return wrong("symbol " + std::to_string(i) + " is cut off, or its name is not printable");
    }
    if (kind > uint8_t(Symbol::Kind::kObject))
      return wrong("symbol " + symbol.name + " is of an unknown kind");
    symbol.kind = Symbol::Kind(kind);
    const uint64_t end = symbol.kind == Symbol::Kind::kObject ? image.statics_bytes() + 1 : image.text.size();
    if (symbol.at >= end) return wrong("symbol " + symbol.name + " lies outside");
    image.symbols.push_back(std::move(symbol));
  }
  std::vector<std::string_view> exported;
  for (const Symbol& s : image.symbols) {
    if (s.kind == Symbol::Kind::kExport) exported.push_back(s.name);
  }
  std::sort(exported.begin(), exported.end());
  auto twice = std::adjacent_find(exported.begin(), exported.end());
  if (twice != exported.end()) return wrong("it exports " + std::string(*twice) + " twice");
  return {};
}

Result<void> check_relocation(const Image& image, const Relocation& r) {
  using Kind = Relocation::Kind;
  const bool in_data = r.kind >= Kind::kDataStatic;
  if (in_data ? image.stored(r.where, 8) == nullptr : r.where >= image.text.size()) {
    return wrong("a relocation at " + std::to_string(r.where) + ", outside");
  }
  if (r.kind == Kind::kCallImport) {
    if (image.text[r.where].opcode != kCallOpcode || image.text[r.where].src() != kCallHelper) {
      return wrong("the relocation of a call at instruction " + std::to_string(r.where) + ", which is none");
    }
  } else if (!in_data && (!image.text[r.where].is_lddw() || r.where + 1 >= image.text.size())) {
    return wrong("the relocation of an lddw at instruction " + std::to_string(r.where) + ", which is none");
  }
  const bool to_static = r.kind == Kind::kLddwStatic || r.kind == Kind::kDataStatic;
  const bool to_function = r.kind == Kind::kLddwFunction || r.kind == Kind::kDataFunction;
  // The address behind the last variable is one that C may form.
  const uint64_t end = to_static     ? image.statics_bytes() + 1
                       : to_function ? image.text.size()
                                     : image.imports.size();
  if (r.target >= end) return wrong("a relocation to " + std::to_string(r.target) + ", outside");
  return {};
}

class Writer {
 public:
  void put(const void* at, size_t bytes) {
    const auto* from = static_cast<const uint8_t*>(at);
    bytes_.insert(bytes_.end(), from, from + bytes);
  }
  template <typename T>
  void put(T value) {
    put(&value, sizeof value);
  }
  void put_name(const std::string& name) {
    put(uint8_t(name.size()));
    put(name.data(), name.size());
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace

const uint8_t* Image::stored(uint32_t offset, uint32_t bytes) const {
  const uint64_t end = uint64_t(offset) + bytes;
  if (end <= rodata.size()) return rodata.data() + offset;
  if (offset < data_offset() || end - data_offset() > data.size()) return nullptr;
  return data.data() + (offset - data_offset());
}

Result<Image> read_image(std::span<const uint8_t> bytes) {
  Reader in(bytes);
  Header h{};
  if (!in.take_number(h) || std::memcmp(h.magic, kMagic, sizeof kMagic) != 0)
    return wrong("it does not begin as one");
  if (auto sizes = check_sizes(h, in.left()); !sizes) return sizes.error();

  Image image;
  image.text.resize(h.instructions);
  std::memcpy(image.text.data(), in.take(h.instructions * sizeof(Instruction)),
              h.instructions * sizeof(Instruction));
  in.take_bytes(h.rodata_bytes, image.rodata);
  in.take_bytes(h.data_bytes, image.data);
  image.bss_bytes = h.bss_bytes;
  if (auto symbols = read_symbols(in, h.symbols, image); !symbols) return symbols.error();
  for (uint32_t i = 0; i < h.imports; ++i) {
    std::string name;
    if (!in.take_name(name)) return wrong("import " + std::to_string(i) + " is cut off, or not printable");
    image.imports.push_back(std::move(name));
  }
  if (in.left() != h.relocations * kRelocationBytes) {
    return wrong("its length does not fit its " + std::to_string(h.relocations) + " relocations");
  }
  for (uint32_t i = 0; i < h.relocations; ++i) {
    uint8_t kind = 0;
    Relocation r{};
    in.take_number(kind);
    in.take_number(r.where);
    in.take_number(r.target);
    if (kind > uint8_t(Relocation::Kind::kDataImport)) return wrong("a relocation of an unknown kind");
    r.kind = Relocation::Kind(kind);
    if (auto good = check_relocation(image, r); !good) return good.error();
    image.relocations.push_back(r);
  }
  return image;
}

std::vector<uint8_t> write_image(const Image& image) {
  Writer out;
  Header h{};
  std::memcpy(h.magic, kMagic, sizeof kMagic);
  h.instructions = uint32_t(image.text.size());
  h.rodata_bytes = uint32_t(image.rodata.size());
  h.data_bytes = uint32_t(image.data.size());
  h.bss_bytes = image.bss_bytes;
  h.symbols = uint32_t(image.symbols.size());
  h.imports = uint32_t(image.imports.size());
  h.relocations = uint32_t(image.relocations.size());
  out.put(h);
  out.put(image.text.data(), image.text.size() * sizeof(Instruction));
  out.put(image.rodata.data(), image.rodata.size());
  out.put(image.data.data(), image.data.size());
  for (const Symbol& symbol : image.symbols) {
    out.put(uint8_t(symbol.kind));
    out.put(symbol.at);
    out.put_name(symbol.name);
  }
  for (const std::string& name : image.imports) out.put_name(name);
  for (const Relocation& r : image.relocations) {
    out.put(uint8_t(r.kind));
    out.put(r.where);
    out.put(r.target);
  }
  return out.take();
}

}  // namespace weft::vm
