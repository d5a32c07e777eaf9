// SPDX-License-Identifier: Apache-2.0
// The calls on files, at the C border.
#include <unistd.h>

#include <cstring>
#include <memory>

#include "nodeos_api/file.h"
#include "nodeos_api/geni_node.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/sized.h"

namespace weft {

static_assert(OpenFile::kMaxTransfer == AN_FILE_TRANSFER);

namespace {

// The object of a handle, if this thread may wait for the disk; null, with the failure noted.
template <typename T>
T* usable(typename T::Handle handle) {
  T* object = find<T>(handle);
  return object != nullptr && object->domain().node().allows_blocking() ? object : nullptr;
}

template <typename T>
int close(typename T::Handle handle) {
  if (on_own_thread()) return handed_over([&] { return close<T>(handle); });
  T* object = usable<T>(handle);
  if (object == nullptr) return an_errno();
  object->destroy();
  return AN_OK;
}

// The files of a domain; null, with the failure noted.
FileSpace* space_of(an_Domain d) {
  const Domain* domain = find_open(d);
  if (domain == nullptr || !domain->node().allows_blocking()) return nullptr;
  FileSpace* space = domain->files();
  if (space == nullptr) fail(AN_ENOSYS, "this node has no files for the domain");
  return space;
}

bool is_path(const char* path) {
  if (path == nullptr) fail(AN_EINVAL, "a path is wanted");
  return path != nullptr;
}

// Makes the object for what was opened; null, with the failure noted.
template <typename T, typename Open>
typename T::Handle make(void* mem, an_Domain d, Result<std::unique_ptr<Open>> open) {
  if (!open) {
    fail(open.error());
    return nullptr;
  }
  T* object = T::make(mem, *find<Domain>(d), std::move(*open));
  return object != nullptr ? object->handle() : nullptr;
}

int status_of(const Result<void>& done) { return done ? AN_OK : fail(done.error()); }

template <typename T>
int64_t count_of(const Result<T>& done) {
  if (done) return int64_t(*done);
  fail(done.error());
  return -1;
}

std::span<uint8_t> bytes(void* at, size_t n) { return {static_cast<uint8_t*>(at), n}; }
std::span<const uint8_t> bytes(const void* at, size_t n) { return {static_cast<const uint8_t*>(at), n}; }

// Calls `work` with what is open.  -1, with the failure noted.
template <typename Work>
int64_t moved(an_File f, const void* memory, size_t n, int64_t offset, Work work) {
  const FileObject* file = usable<FileObject>(f);
  if (file == nullptr) return -1;
  if (memory == nullptr && n > 0) {
    fail(AN_EINVAL, "memory for the bytes is wanted");
    return -1;
  }
  if (offset < 0) {
    fail(AN_EINVAL, "no byte of a file is before its start");
    return -1;
  }
  return count_of(work(file->open()));
}

an_FileType to_api(FileType type) {
  switch (type) {
    case FileType::kRegular:
      return AN_FILE_REGULAR;
    case FileType::kDirectory:
      return AN_FILE_DIRECTORY;
    case FileType::kOther:
      return AN_FILE_OTHER;
  }
  return AN_FILE_OTHER;
}

int fill(an_FileStat* stat, const Result<FileStatus>& status) {
  if (!status) return fail(status.error());
  an_FileStat full{};
  full.type = to_api(status->type);
  full.length = status->length;
  full.modified_ns = status->modified_ns;
  return fill_sized(stat, full);
}

constexpr int kAccess = AN_O_WRONLY | AN_O_RDWR;
constexpr int kAllFlags = kAccess | AN_O_CREAT | AN_O_EXCL | AN_O_TRUNC | AN_O_APPEND;

// Whether the flags make sense; if not, the failure is noted.
bool to_how(int flags, OpenHow& how) {
  const int access = flags & kAccess;
  how = {.read = access != AN_O_WRONLY,
         .write = access != AN_O_RDONLY,
         .create = (flags & AN_O_CREAT) != 0,
         .exclusive = (flags & AN_O_EXCL) != 0,
         .truncate = (flags & AN_O_TRUNC) != 0,
         .append = (flags & AN_O_APPEND) != 0};
  if ((flags & ~kAllFlags) != 0 || access == kAccess) {
    fail(AN_EINVAL, "the flags hold what is no AN_O_ flag, or two ways of access");
  } else if (how.exclusive && !how.create) {
    fail(AN_EINVAL, "AN_O_EXCL speaks of what AN_O_CREAT makes");
  } else if (how.truncate && !how.write) {
    fail(AN_EINVAL, "AN_O_TRUNC writes, and the file is opened to be read");
  } else {
    return true;
  }
  return false;
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_File an_open(void* mem, an_Domain d, const char* path, int flags) {
  if (on_own_thread()) return handed_over([&] { return an_open(mem, d, path, flags); });
  FileSpace* space = space_of(d);
  OpenHow how;
  if (space == nullptr || !is_path(path) || !to_how(flags, how)) return nullptr;
  return make<FileObject>(mem, d, space->open_file(path, how));
}

int an_close(an_File f) { return weft::close<FileObject>(f); }

int64_t an_read(an_File f, void* into, size_t n) {
  if (on_own_thread()) return handed_over([&] { return an_read(f, into, n); });
  return moved(f, into, n, 0, [&](OpenFile& file) { return file.read(bytes(into, n)); });
}

int64_t an_write(an_File f, const void* from, size_t n) {
  if (on_own_thread()) return handed_over([&] { return an_write(f, from, n); });
  return moved(f, from, n, 0, [&](OpenFile& file) { return file.write(bytes(from, n)); });
}

int64_t an_pread(an_File f, void* into, size_t n, int64_t offset) {
  if (on_own_thread()) return handed_over([&] { return an_pread(f, into, n, offset); });
  return moved(f, into, n, offset,
               [&](OpenFile& file) { return file.read_at(uint64_t(offset), bytes(into, n)); });
}

int64_t an_pwrite(an_File f, const void* from, size_t n, int64_t offset) {
  if (on_own_thread()) return handed_over([&] { return an_pwrite(f, from, n, offset); });
  return moved(f, from, n, offset,
               [&](OpenFile& file) { return file.write_at(uint64_t(offset), bytes(from, n)); });
}

int64_t an_lseek(an_File f, int64_t offset, an_Whence whence) {
  if (on_own_thread()) return handed_over([&] { return an_lseek(f, offset, whence); });
  const FileObject* file = usable<FileObject>(f);
  if (file == nullptr) return -1;
  switch (whence) {
    case AN_SEEK_SET:
      return count_of(file->open().seek(offset, SEEK_SET));
    case AN_SEEK_CUR:
      return count_of(file->open().seek(offset, SEEK_CUR));
    case AN_SEEK_END:
      return count_of(file->open().seek(offset, SEEK_END));
  }
  fail(AN_EINVAL, "a place is counted from the start, from here, or from the end");
  return -1;
}

int an_ftruncate(an_File f, int64_t length) {
  if (on_own_thread()) return handed_over([&] { return an_ftruncate(f, length); });
  const FileObject* file = usable<FileObject>(f);
  if (file == nullptr) return an_errno();
  if (length < 0) return fail(AN_EINVAL, "no file is shorter than 0 bytes");
  return status_of(file->open().truncate(uint64_t(length)));
}

int an_fsync(an_File f) {
  if (on_own_thread()) return handed_over([&] { return an_fsync(f); });
  const FileObject* file = usable<FileObject>(f);
  return file != nullptr ? status_of(file->open().sync()) : an_errno();
}

int an_fstat(an_File f, an_FileStat* stat) {
  if (on_own_thread()) return handed_over([&] { return an_fstat(f, stat); });
  const FileObject* file = usable<FileObject>(f);
  return file != nullptr ? fill(stat, file->open().status()) : an_errno();
}

int an_stat(an_Domain d, const char* path, an_FileStat* stat) {
  if (on_own_thread()) return handed_over([&] { return an_stat(d, path, stat); });
  FileSpace* space = space_of(d);
  if (space == nullptr || !is_path(path)) return an_errno();
  return fill(stat, space->status(path));
}

int an_mkdir(an_Domain d, const char* path) {
  if (on_own_thread()) return handed_over([&] { return an_mkdir(d, path); });
  FileSpace* space = space_of(d);
  if (space == nullptr || !is_path(path)) return an_errno();
  return status_of(space->make_dir(path));
}

int an_rmdir(an_Domain d, const char* path) {
  if (on_own_thread()) return handed_over([&] { return an_rmdir(d, path); });
  FileSpace* space = space_of(d);
  if (space == nullptr || !is_path(path)) return an_errno();
  return status_of(space->remove_dir(path));
}

int an_unlink(an_Domain d, const char* path) {
  if (on_own_thread()) return handed_over([&] { return an_unlink(d, path); });
  FileSpace* space = space_of(d);
  if (space == nullptr || !is_path(path)) return an_errno();
  return status_of(space->remove_file(path));
}

int an_rename(an_Domain d, const char* from, const char* to) {
  if (on_own_thread()) return handed_over([&] { return an_rename(d, from, to); });
  FileSpace* space = space_of(d);
  if (space == nullptr || !is_path(from) || !is_path(to)) return an_errno();
  return status_of(space->rename(from, to));
}

an_Dir an_opendir(void* mem, an_Domain d, const char* path) {
  if (on_own_thread()) return handed_over([&] { return an_opendir(mem, d, path); });
  FileSpace* space = space_of(d);
  if (space == nullptr || !is_path(path)) return nullptr;
  return make<DirObject>(mem, d, space->open_dir(path));
}

int an_readdir(an_Dir d, an_DirEntry* entry) {
  if (on_own_thread()) return handed_over([&] { return an_readdir(d, entry); });
  const DirObject* dir = usable<DirObject>(d);
  if (dir == nullptr) return an_errno();
  if (entry == nullptr || entry->size != sizeof *entry)
    return fail(AN_EINVAL, "the entry to be filled must begin with its size");
  const auto next = dir->open().next();
  if (!next) return fail(next.error());
  if (!next->has_value()) return fail(AN_ENOENT, "the directory has no more entries");
  entry->type = to_api((*next)->type);
  const std::string& name = (*next)->name;
  entry->name[name.copy(entry->name, sizeof entry->name - 1)] = '\0';
  return AN_OK;
}

int an_closedir(an_Dir d) { return weft::close<DirObject>(d); }

int an_filesGetStats(an_Domain d, an_FilesStats* stats) {
  if (on_own_thread()) return handed_over([&] { return an_filesGetStats(d, stats); });
  const FileSpace* space = space_of(d);
  if (space == nullptr) return an_errno();
  const FileUse use = space->use();
  an_FilesStats full{};
  full.bytes = use.bytes;
  full.files = use.files;
  full.open = use.open;
  full.quota_bytes = space->quota().bytes;
  full.quota_files = space->quota().files;
  full.quota_open = space->quota().open;
  return fill_sized(stats, full);
}

}  // extern "C"
