// SPDX-License-Identifier: Apache-2.0
// The library's calls on files.  What a path, a flag or a number may be is the node's to say;
// here is checked what only this process can: its handles, its memory, its threads.
#include <algorithm>

#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/snow/snow_file.h"

namespace weft::snow {

namespace {

// The object of a handle, if this thread may wait for the node's disk; null, with the failure
// noted.
template <typename T>
T* usable(typename T::Handle handle) {
  T* object = find<T>(handle);
  return object != nullptr && object->domain().node().allows_blocking() ? object : nullptr;
}

Domain* usable_domain(an_Domain handle) {
  Domain* domain = find_open(handle);
  return domain != nullptr && domain->node().allows_blocking() ? domain : nullptr;
}

template <typename T, Call kOpen, Call kClose>
typename T::Handle open(void* mem, an_Domain d, const char* path, int flags) {
  Domain* domain = usable_domain(d);
  if (domain == nullptr) return nullptr;
  Texts texts;
  const OpenPath request{domain->at_node(), texts.add(path), flags, 0};
  Created made{};
  if (to_node(*domain).call<kOpen>(request, &made, texts) != AN_OK) return nullptr;
  T* object = adopt<T, kClose>(mem, *domain, made.handle, made.handle);
  return object != nullptr ? object->handle() : nullptr;
}

template <typename T>
int close(typename T::Handle handle) {
  if (on_own_thread()) return handed_over([&] { return close<T>(handle); });
  T* object = usable<T>(handle);
  return object != nullptr ? object->close() : an_errno();
}

// The file, if there is memory for the bytes that move.
const SnowFile* with_memory(an_File f, const void* memory, size_t n) {
  const SnowFile* file = usable<SnowFile>(f);
  if (file == nullptr || memory != nullptr || n == 0) return file;
  fail(AN_EINVAL, "memory for the bytes is wanted");
  return nullptr;
}

uint32_t at_most(size_t n) { return uint32_t(std::min<size_t>(n, AN_FILE_TRANSFER)); }

template <Call kRead>
int64_t read(an_File f, void* into, size_t n, int64_t offset) {
  if (on_own_thread()) return handed_over([&] { return read<kRead>(f, into, n, offset); });
  const SnowFile* file = with_memory(f, into, n);
  if (file == nullptr) return -1;
  std::vector<uint8_t> bytes;
  const ReadFile request{file->at_node(), offset, at_most(n), 0};
  Moved moved{};
  if (to_node(file->domain()).call<kRead>(request, &moved, {}, &bytes) != AN_OK) return -1;
  std::copy_n(bytes.begin(), std::min(bytes.size(), n), static_cast<uint8_t*>(into));
  return moved.bytes;
}

template <Call kWrite>
int64_t write(an_File f, const void* from, size_t n, int64_t offset) {
  if (on_own_thread()) return handed_over([&] { return write<kWrite>(f, from, n, offset); });
  const SnowFile* file = with_memory(f, from, n);
  if (file == nullptr) return -1;
  Texts bytes;
  const WriteFile request{file->at_node(), offset, bytes.add(from, at_most(n))};
  Moved moved{};
  return to_node(file->domain()).call<kWrite>(request, &moved, bytes) == AN_OK ? moved.bytes : -1;
}

template <Call kCall>
int call_with_path(an_Domain d, const char* path) {
  if (on_own_thread()) return handed_over([&] { return call_with_path<kCall>(d, path); });
  const Domain* domain = usable_domain(d);
  if (domain == nullptr) return an_errno();
  Texts texts;
  return to_node(*domain).call<kCall>({domain->at_node(), texts.add(path)}, nullptr, texts);
}

int fill(an_FileStat* stat, const FileState& state) {
  an_FileStat full{};
  full.type = an_FileType(state.type);
  full.length = state.length;
  full.modified_ns = state.modified_ns;
  return fill_sized(stat, full);
}

}  // namespace

}  // namespace weft::snow

using namespace weft;
using namespace weft::snow;

extern "C" {

an_File an_open(void* mem, an_Domain d, const char* path, int flags) {
  if (on_own_thread()) return handed_over([&] { return an_open(mem, d, path, flags); });
  return snow::open<SnowFile, Call::kOpen, Call::kClose>(mem, d, path, flags);
}

int an_close(an_File f) { return snow::close<SnowFile>(f); }

int64_t an_read(an_File f, void* into, size_t n) { return snow::read<Call::kRead>(f, into, n, 0); }

int64_t an_write(an_File f, const void* from, size_t n) { return snow::write<Call::kWrite>(f, from, n, 0); }

int64_t an_pread(an_File f, void* into, size_t n, int64_t offset) {
  return snow::read<Call::kPread>(f, into, n, offset);
}

int64_t an_pwrite(an_File f, const void* from, size_t n, int64_t offset) {
  return snow::write<Call::kPwrite>(f, from, n, offset);
}

int64_t an_lseek(an_File f, int64_t offset, an_Whence whence) {
  if (on_own_thread()) return handed_over([&] { return an_lseek(f, offset, whence); });
  const SnowFile* file = usable<SnowFile>(f);
  if (file == nullptr) return -1;
  Moved moved{};
  const SeekFile request{file->at_node(), offset, whence, 0};
  return to_node(file->domain()).call<Call::kLseek>(request, &moved) == AN_OK ? moved.bytes : -1;
}

int an_ftruncate(an_File f, int64_t length) {
  if (on_own_thread()) return handed_over([&] { return an_ftruncate(f, length); });
  const SnowFile* file = usable<SnowFile>(f);
  if (file == nullptr) return an_errno();
  return to_node(file->domain()).call<Call::kFtruncate>({file->at_node(), length});
}

int an_fsync(an_File f) {
  if (on_own_thread()) return handed_over([&] { return an_fsync(f); });
  const SnowFile* file = usable<SnowFile>(f);
  return file != nullptr ? to_node(file->domain()).call<Call::kFsync>({file->at_node()}) : an_errno();
}

int an_fstat(an_File f, an_FileStat* stat) {
  if (on_own_thread()) return handed_over([&] { return an_fstat(f, stat); });
  const SnowFile* file = usable<SnowFile>(f);
  if (file == nullptr) return an_errno();
  FileState state{};
  const int status = to_node(file->domain()).call<Call::kFstat>({file->at_node()}, &state);
  return status == AN_OK ? fill(stat, state) : status;
}

int an_stat(an_Domain d, const char* path, an_FileStat* stat) {
  if (on_own_thread()) return handed_over([&] { return an_stat(d, path, stat); });
  const Domain* domain = usable_domain(d);
  if (domain == nullptr) return an_errno();
  Texts texts;
  FileState state{};
  const int status = to_node(*domain).call<Call::kStat>({domain->at_node(), texts.add(path)}, &state, texts);
  return status == AN_OK ? fill(stat, state) : status;
}

int an_mkdir(an_Domain d, const char* path) { return call_with_path<Call::kMkdir>(d, path); }

int an_rmdir(an_Domain d, const char* path) { return call_with_path<Call::kRmdir>(d, path); }

int an_unlink(an_Domain d, const char* path) { return call_with_path<Call::kUnlink>(d, path); }

int an_rename(an_Domain d, const char* from, const char* to) {
  if (on_own_thread()) return handed_over([&] { return an_rename(d, from, to); });
  const Domain* domain = usable_domain(d);
  if (domain == nullptr) return an_errno();
  Texts texts;
  const RenamePath request{domain->at_node(), texts.add(from), texts.add(to)};
  return to_node(*domain).call<Call::kRename>(request, nullptr, texts);
}

an_Dir an_opendir(void* mem, an_Domain d, const char* path) {
  if (on_own_thread()) return handed_over([&] { return an_opendir(mem, d, path); });
  return snow::open<SnowDir, Call::kOpendir, Call::kClosedir>(mem, d, path, 0);
}

int an_readdir(an_Dir d, an_DirEntry* entry) {
  if (on_own_thread()) return handed_over([&] { return an_readdir(d, entry); });
  const SnowDir* dir = usable<SnowDir>(d);
  if (dir == nullptr) return an_errno();
  if (entry == nullptr || entry->size != sizeof *entry)
    return fail(AN_EINVAL, "the entry to be filled must begin with its size");
  ListedEntry listed{};
  const int status = to_node(dir->domain()).call<Call::kReaddir>({dir->at_node()}, &listed);
  if (status != AN_OK) return status;
  entry->type = an_FileType(listed.type);
  std::memcpy(entry->name, listed.name, sizeof entry->name);
  return AN_OK;
}

int an_closedir(an_Dir d) { return snow::close<SnowDir>(d); }

int an_filesGetStats(an_Domain d, an_FilesStats* stats) {
  if (on_own_thread()) return handed_over([&] { return an_filesGetStats(d, stats); });
  const Domain* domain = usable_domain(d);
  if (domain == nullptr) return an_errno();
  an_FilesStats full{};
  const int status = to_node(*domain).call<Call::kFilesGetStats>({domain->at_node()}, &full);
  return status == AN_OK ? fill_sized(stats, full) : status;
}

}  // extern "C"
