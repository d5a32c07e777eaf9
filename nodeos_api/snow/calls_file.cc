// SPDX-License-Identifier: Apache-2.0
// Calls on files.
#include <algorithm>

#include "nodeos_api/snow/calls.h"

namespace weft::snow {

namespace {

// What the EE opens counts among its objects, as long as the node has it open.
template <typename Kind, typename Open>
int open(Exchange& x, uint64_t handle, Text where, Created& made, Open open_path) {
  an_Domain domain = x.session.real<DomainKind>(handle);
  OptionalText path;
  if (domain == nullptr || !x.session.has_room() || !x.read(where, &path)) return an_errno();
  typename Kind::Handle opened = open_path(domain, path.c_str());
  if (opened == nullptr) return an_errno();
  made.handle = x.session.handles().give<Kind>(opened);
  return AN_OK;
}

int with_path(Exchange& x, const DomainPath& r, int (*call)(an_Domain, const char*)) {
  an_Domain domain = x.session.real<DomainKind>(r.domain);
  OptionalText path;
  if (domain == nullptr || !x.read(r.path, &path)) return an_errno();
  return call(domain, path.c_str());
}

int note(int64_t bytes, Moved& moved) {
  moved.bytes = bytes;
  return bytes >= 0 ? AN_OK : an_errno();
}

// `work` reads so many bytes to there.
template <typename Work>
int read(Exchange& x, const ReadFile& r, Moved& moved, Work work) {
  return with<FileKind>(x, r.file, [&](an_File file) {
    x.answer.resize(std::min<size_t>(r.length, AN_FILE_TRANSFER));
    const int status = note(work(file, x.answer.data(), x.answer.size()), moved);
    x.answer.resize(size_t(std::max<int64_t>(moved.bytes, 0)));
    return status;
  });
}

// `work` writes those bytes.
template <typename Work>
int write(Exchange& x, const WriteFile& r, Moved& moved, Work work) {
  return with<FileKind>(x, r.file, [&](an_File file) {
    std::span<const uint8_t> bytes;
    if (!x.read(r.bytes, &bytes)) return an_errno();
    return note(work(file, bytes.data(), bytes.size()), moved);
  });
}

template <typename Work>
int get_state(FileState& state, Work work) {
  an_FileStat stat{};
  stat.size = sizeof stat;
  const int status = work(&stat);
  state = {stat.type, 0, stat.length, stat.modified_ns};
  return status;
}

}  // namespace

int serve_Open(Exchange& x, const OpenPath& r, Created& made) {
  return open<FileKind>(x, r.domain, r.path, made, [&](an_Domain domain, const char* path) {
    return an_open(nullptr, domain, path, r.flags);
  });
}
int serve_Close(Exchange& x, const One& r, Nothing&) { return with<FileKind>(x, r.handle, an_close); }

int serve_Read(Exchange& x, const ReadFile& r, Moved& moved) { return read(x, r, moved, an_read); }
int serve_Write(Exchange& x, const WriteFile& r, Moved& moved) { return write(x, r, moved, an_write); }
int serve_Pread(Exchange& x, const ReadFile& r, Moved& moved) {
  return read(x, r, moved,
              [&](an_File file, void* into, size_t n) { return an_pread(file, into, n, r.offset); });
}
int serve_Pwrite(Exchange& x, const WriteFile& r, Moved& moved) {
  return write(x, r, moved,
               [&](an_File file, const void* from, size_t n) { return an_pwrite(file, from, n, r.offset); });
}

int serve_Lseek(Exchange& x, const SeekFile& r, Moved& moved) {
  return with<FileKind>(
      x, r.file, [&](an_File file) { return note(an_lseek(file, r.offset, an_Whence(r.whence)), moved); });
}
int serve_Ftruncate(Exchange& x, const TruncateFile& r, Nothing&) {
  return with<FileKind>(x, r.file, [&](an_File file) { return an_ftruncate(file, r.length); });
}
int serve_Fsync(Exchange& x, const One& r, Nothing&) { return with<FileKind>(x, r.handle, an_fsync); }

int serve_Fstat(Exchange& x, const One& r, FileState& state) {
  return with<FileKind>(x, r.handle, [&](an_File file) {
    return get_state(state, [&](an_FileStat* stat) { return an_fstat(file, stat); });
  });
}
int serve_Stat(Exchange& x, const DomainPath& r, FileState& state) {
  an_Domain domain = x.session.real<DomainKind>(r.domain);
  OptionalText path;
  if (domain == nullptr || !x.read(r.path, &path)) return an_errno();
  return get_state(state, [&](an_FileStat* stat) { return an_stat(domain, path.c_str(), stat); });
}

int serve_Mkdir(Exchange& x, const DomainPath& r, Nothing&) { return with_path(x, r, an_mkdir); }
int serve_Rmdir(Exchange& x, const DomainPath& r, Nothing&) { return with_path(x, r, an_rmdir); }
int serve_Unlink(Exchange& x, const DomainPath& r, Nothing&) { return with_path(x, r, an_unlink); }
int serve_Rename(Exchange& x, const RenamePath& r, Nothing&) {
  an_Domain domain = x.session.real<DomainKind>(r.domain);
  OptionalText from, to;
  if (domain == nullptr || !x.read(r.from, &from) || !x.read(r.to, &to)) return an_errno();
  return an_rename(domain, from.c_str(), to.c_str());
}

int serve_Opendir(Exchange& x, const OpenPath& r, Created& made) {
  return open<DirKind>(x, r.domain, r.path, made,
                       [](an_Domain domain, const char* path) { return an_opendir(nullptr, domain, path); });
}
int serve_Readdir(Exchange& x, const One& r, ListedEntry& listed) {
  return with<DirKind>(x, r.handle, [&](an_Dir dir) {
    an_DirEntry entry{};
    entry.size = sizeof entry;
    const int status = an_readdir(dir, &entry);
    listed.type = entry.type;
    std::memcpy(listed.name, entry.name, sizeof listed.name);
    return status;
  });
}
int serve_Closedir(Exchange& x, const One& r, Nothing&) { return with<DirKind>(x, r.handle, an_closedir); }

int serve_FilesGetStats(Exchange& x, const One& r, an_FilesStats& stats) {
  stats.size = sizeof stats;
  return with<DomainKind>(x, r.handle, [&](an_Domain domain) { return an_filesGetStats(domain, &stats); });
}

}  // namespace weft::snow
