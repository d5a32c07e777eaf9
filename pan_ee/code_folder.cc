// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace weft::pan {

namespace {

Result<CodeObject> read_file(const std::filesystem::path& path) {
  std::error_code failed;
  // What is no file, such as a pipe, might never end.
  if (!std::filesystem::is_regular_file(path, failed))
    return Error{Code::kInvalid, "code object: it is no file"};
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (file == nullptr) return system_error("open", errno);
  std::vector<uint8_t> bytes(kMaxCodeObject + 1);
  const size_t length = std::fread(bytes.data(), 1, bytes.size(), file.get());
  if (std::ferror(file.get()) != 0) return system_error("read", errno);
  return read_code_object({bytes.data(), length});
}

}  // namespace

Result<std::vector<CodeFile>> read_code_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::directory_iterator entries(folder, failed);
  if (failed) return system_error("the folder of code objects " + folder, failed.value());
  std::vector<std::filesystem::path> paths;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
    if (failed) return system_error("the folder of code objects " + folder, failed.value());
    if (entries->path().extension() == ".pco") paths.push_back(entries->path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<CodeFile> files;
  for (const auto& path : paths) files.push_back({path.filename().string(), read_file(path)});
  return files;
}

}  // namespace weft::pan
