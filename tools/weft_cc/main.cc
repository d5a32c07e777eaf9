// SPDX-License-Identifier: Apache-2.0
// weft-cc: C, by way of clang and libelf, to a program image; and back to something readable.
//
//   weft-cc -o ping.wvm ping.c          compiles, links, verifies
//   weft-cc --dump ping.wvm             shows what is in an image, with names
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tools/weft_cc/clang.h"
#include "tools/weft_cc/elf_object.h"
#include "tools/weft_cc/linker.h"
#include "vm/disassemble.h"
#include "vm/image.h"

namespace weft::cc {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string output = "a.wvm";
  std::vector<std::string> includes, defines, flags;
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
    auto object = read_elf(file);
    if (!object) return object.error();
    object->file = options.inputs[n];
    objects.push_back(std::move(*object));
  }
  return link(objects, !options.strip);
}

Result<std::string> dump_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return system_error("open " + file, errno);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  auto image = vm::read_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  if (!image) return image.error();
  return vm::dump(*image);
}

Result<void> write_file(const std::string& file, const std::vector<uint8_t>& bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  out.close();
  if (!out) return system_error("write " + file, errno);
  return {};
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
  auto image = build(options);
  if (!image) return image.error();
  return write_file(options.output, vm::write_image(*image));
}

}  // namespace
}  // namespace weft::cc

int main(int argc, char** argv) {
  weft::cc::Options options;
  CLI::App app("Compiles C to a program image for Weft's safe machine, or shows what is in one.", "weft-cc");
  app.add_option("files", options.inputs, "C files and object files; with --dump, images")->required();
  app.add_option("-o", options.output, "where the image is written")->capture_default_str();
  app.add_option("-I", options.includes, "a directory for #include")->allow_extra_args(false);
  app.add_option("-D", options.defines, "a macro: NAME or NAME=VALUE")->allow_extra_args(false);
  app.add_option("--clang", options.flags, "one more flag for clang")->allow_extra_args(false);
  app.add_flag("-s,--strip", options.strip, "leave out the names of static functions and variables");
  app.add_flag("--dump", options.dump, "show images as text");
  CLI11_PARSE(app, argc, argv);
  auto done = weft::cc::run(options);
  if (done) return 0;
  std::string sentence = done.error().sentence;
  while (sentence.ends_with('\n')) sentence.pop_back();
  std::fprintf(stderr, "weft-cc: %s\n", sentence.c_str());
  return 1;
}
