// SPDX-License-Identifier: Apache-2.0
// weft-cc: C, by way of clang and libelf, to a program image; and back to something readable.
//
//   weft-cc -o count.wvm count.c                       compiles, links, verifies
//   weft-cc --code-object ping -o ping.pco ping.c      the same, as a code object of PAN
//   weft-cc --dump count.wvm ping.pco                  shows what is in them, with names
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/printable.h"
#include "pan_ee/code/pni_abi.h"
#include "pan_ee/code_object.h"
#include "tools/options/given_value.h"
#include "tools/weft_cc/clang.h"
#include "tools/weft_cc/elf_object.h"
#include "tools/weft_cc/linker.h"
#include "tools/weft_cc/read_file.h"
#include "vm/disassemble.h"
#include "vm/image.h"

namespace weft::cc {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string output = "a.wvm";
  std::vector<std::string> includes, defines, flags;
  std::string code_object;  // its symbolic name; empty: a bare image
  bool strip = false;
  bool dump = false;
};

// Where object files are put in between.
class Workshop {
 public:
  Workshop() : path_((std::filesystem::temp_directory_path() / "weft-cc-XXXXXX").string()) {
    good_ = ::mkdtemp(path_.data()) != nullptr;
  }
  ~Workshop() {
    std::error_code ignored;
    if (good_) std::filesystem::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  bool good() const { return good_; }
  std::string object(size_t n) const { return path_ + "/" + std::to_string(n) + ".o"; }

 private:
  std::string path_;
  bool good_;
};

Result<vm::Image> build(const Options& options) {
  const Workshop workshop;
  if (!workshop.good()) return system_error("a directory for object files", errno);
  std::vector<std::string> flags = options.flags;
  for (const std::string& directory : options.includes) flags.push_back("-I" + directory);
  for (const std::string& define : options.defines) flags.push_back("-D" + define);
  std::vector<ElfObject> objects;
  std::string notes;
  for (size_t n = 0; n < options.inputs.size(); ++n) {
    std::string file = options.inputs[n];
    if (file.ends_with(".c")) {
      auto compiled = compile(file, workshop.object(n), flags, notes);
      std::fputs(notes.c_str(), stderr);
      notes.clear();
      if (!compiled) return compiled.error();
      file = workshop.object(n);
    }
    auto object = read_elf(file, options.inputs[n]);
    if (!object) return object.error();
    objects.push_back(std::move(*object));
  }
  return link(objects, !options.strip);
}

// Writing must not destroy what was read, by whatever name.
Result<void> check_output(const Options& options) {
  for (const std::string& file : options.inputs) {
    std::error_code none_there;
    if (std::filesystem::equivalent(file, options.output, none_there)) {
      return Error{Code::kInvalid, file + " would be overwritten; name another file with -o"};
    }
  }
  return {};
}

Result<std::string> dump_file(const std::string& file) {
  auto read = read_file(file, file);
  if (!read) return read.error();
  std::vector<uint8_t> bytes = std::move(*read);
  std::string text;
  if (pan::is_code_object(bytes)) {
    auto object = pan::read_code_object(bytes);
    if (!object) return Error{object.error().code, file + ": " + object.error().sentence};
    text = "code object " + object->symbolic_name + ", " + to_text(object->name) + ", for version " +
           std::to_string(object->pni_version) + " of the PNI\n";
    bytes = std::move(object->program);
  }
  auto image = vm::read_image(bytes);
  if (!image) return Error{image.error().code, file + ": " + image.error().sentence};
  return text + vm::dump(*image);
}

Result<void> write_file(const std::string& file, const std::vector<uint8_t>& bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  out.close();
  if (!out) return system_error("write " + file, errno);
  return {};
}

// The program as a code object that a node takes.
Result<std::vector<uint8_t>> wrap(const std::string& name, const vm::Image& image,
                                  const std::vector<uint8_t>& program) {
  if (!pan::is_symbolic_name(name))
    return Error{Code::kInvalid, "a code object's name is 1 to " + std::to_string(pan::kMaxSymbolicName) +
                                     " printable characters, and no space"};
  const auto is_accept = [](const vm::Symbol& s) {
    return s.kind == vm::Symbol::Kind::kExport && s.name == "accept";
  };
  if (std::none_of(image.symbols.begin(), image.symbols.end(), is_accept))
    return Error{Code::kInvalid,
                 "a code object exports accept(), which evaluates capsules; this one does not"};
  std::vector<uint8_t> bytes = pan::write_code_object(PNI_VERSION, name, program);
  if (bytes.size() <= pan::kMaxCodeObject) return bytes;
  return Error{Code::kLimit, "a code object has at most " + std::to_string(pan::kMaxCodeObject) +
                                 " bytes, not " + std::to_string(bytes.size())};
}

Result<void> run(const Options& options) {
  if (options.dump) {
    for (const std::string& file : options.inputs) {
      auto text = dump_file(file);
      if (!text) return text.error();
      std::fputs(text->c_str(), stdout);
    }
    return {};
  }
  if (auto safe = check_output(options); !safe) return safe;
  auto image = build(options);
  if (!image) return image.error();
  std::vector<uint8_t> bytes = vm::write_image(*image);
  if (!options.code_object.empty()) {
    auto object = wrap(options.code_object, *image, bytes);
    if (!object) return object.error();
    bytes = std::move(*object);
  }
  return write_file(options.output, bytes);
}

}  // namespace
}  // namespace weft::cc

int main(int argc, char** argv) {
  weft::cc::Options options;
  CLI::App app("Compiles C to a program image for Weft's safe machine, or shows what is in one.", "weft-cc");
  app.add_option("files", options.inputs, "C files and object files; with --dump, images and code objects")
      ->required();
  app.add_option("-o", options.output, "where the image is written")
      ->capture_default_str()
      ->check(weft::given_value());
  app.add_option("-I", options.includes, "a directory for #include")->allow_extra_args(false);
  app.add_option("-D", options.defines, "a macro: NAME or NAME=VALUE")->allow_extra_args(false);
  app.add_option("--clang", options.flags, "one more flag for clang")->allow_extra_args(false);
  app.add_option("--code-object", options.code_object, "write a code object of PAN, of this name for people")
      ->check(weft::given_value());
  app.add_flag("-s,--strip", options.strip, "leave out the names of static functions and variables");
  app.set_version_flag("--version", "weft-cc " WEFT_VERSION);
  app.add_flag("--dump", options.dump, "show them as text");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  auto done = weft::cc::run(options);
  if (done) return 0;
  std::string sentence = done.error().sentence;
  while (sentence.ends_with('\n')) sentence.pop_back();
  std::fprintf(stderr, "weft-cc: %s\n", weft::printable(sentence, "\n\t").c_str());
  return 1;
}
