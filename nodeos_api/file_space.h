// SPDX-License-Identifier: Apache-2.0
// FileSpace: the files that one or more domains see: a folder that is their root, which
// no path leaves, and a quota.  (Snow on Silk, section 2.1: domain -> file name space M:1.)
//
// The folder is the space's alone while it lives.  Who changes it from outside harms
// nobody, but what the quota counts is true again only from the next start on.
//
// Threads: any; what changes names or lengths goes one at a time.  Every call may wait
//   for the disk.
// Invariants: between calls use() is what measure_files() would find, and what is open
//   without a name.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "nodeos_api/dir_stream.h"
#include "nodeos_api/file_ledger.h"

namespace weft {

class FileSpace;

enum class FileType : uint8_t { kRegular, kDirectory, kOther };

struct FileStatus {
  FileType type;
  uint64_t length;  // bytes; 0 unless it is regular
  uint64_t modified_ns;
};

struct OpenHow {
  bool read = false;
  bool write = false;
  bool create = false;     // where there is none
  bool exclusive = false;  // with create: fail where there is one
  bool truncate = false;   // needs write
  bool append = false;     // write() begins at the end
};

// What an opening of any kind takes of its space, for as long as it lives.
class FileOpening {
 public:
  FileOpening(FileSpace& space, OwnedFd fd, FileId id) : space_(space), fd_(std::move(fd)), id_(id) {}
  ~FileOpening();
  FileOpening(const FileOpening&) = delete;
  FileOpening& operator=(const FileOpening&) = delete;

  FileSpace& space() const { return space_; }
  int fd() const { return fd_.get(); }

 private:
  FileSpace& space_;
  OwnedFd fd_;
  FileId id_;
};

// A regular file, opened.  Counts are in bytes; a call moves at most kMaxTransfer.
class OpenFile {
 public:
  static constexpr size_t kMaxTransfer = 64 * 1024;

  OpenFile(FileSpace& space, OwnedFd fd, FileId id, const OpenHow& how)
      : opening_(space, std::move(fd), id), how_(how) {}

  // From where it stands, which moves on.  0: the end.
  Result<size_t> read(std::span<uint8_t> into);
  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> into);
  // All that was asked for, up to kMaxTransfer, or nothing: kLimit where the quota has no room
  // for it.  Less only where the disk took less.
  Result<size_t> write(std::span<const uint8_t> from);
  Result<size_t> write_at(uint64_t offset, std::span<const uint8_t> from);
  // `whence` as of lseek(2): SEEK_SET, SEEK_CUR, SEEK_END.  Where it then stands.
  Result<uint64_t> seek(int64_t offset, int whence);
  Result<void> truncate(uint64_t length);
  Result<FileStatus> status() const;
  Result<void> sync();

 private:
  int fd() const { return opening_.fd(); }
  // The space's lock is held, so that nobody changes the length meanwhile.
  Result<size_t> write_locked(uint64_t offset, std::span<const uint8_t> from);

  FileOpening opening_;
  const OpenHow how_;
};

// A directory, opened to be listed.
class OpenDir {
 public:
  struct Listed {
    std::string name;
    FileType type;
  };

  OpenDir(FileSpace& space, OwnedFd fd, FileId id, DirStream stream)
      : opening_(space, std::move(fd), id), stream_(std::move(stream)) {}

  // Without "." and "..", in no order; nothing at the end.
  Result<std::optional<Listed>> next();

 private:
  FileOpening opening_;
  std::mutex mutex_;
  DirStream stream_;
};

class FileSpace {
 public:
  // `root` is made where it is missing, if its parent is there.
  // Errors: kBusy (another space has it), kUnsupported (a kernel before 5.6), else as
  // file_error().
  static Result<std::unique_ptr<FileSpace>> open(const std::string& root, const FileQuota& quota);
  // A folder, made likewise, that from now on is that of who holds the descriptor.
  static Result<OwnedFd> take_folder(const std::string& folder);
  // REQUIRES: nothing of it is open any more
  ~FileSpace() = default;
  FileSpace(const FileSpace&) = delete;
  FileSpace& operator=(const FileSpace&) = delete;

  // Paths are relative to the root.  Errors of all: as open_beneath(); kLimit (quota).
  // Only regular files are opened: kPermission for devices, pipes, sockets.
  Result<std::unique_ptr<OpenFile>> open_file(const std::string& path, const OpenHow& how);
  Result<std::unique_ptr<OpenDir>> open_dir(const std::string& path);
  Result<FileStatus> status(const std::string& path);
  Result<void> make_dir(const std::string& path);
  Result<void> remove_dir(const std::string& path);   // kExists: it is not empty
  Result<void> remove_file(const std::string& path);  // a link itself, not what it leads to
  // Puts it in the place of what was there, if that is of its kind, and empty if a directory.
  Result<void> rename(const std::string& from, const std::string& to);

  const FileQuota& quota() const { return ledger_.quota(); }
  FileUse use() const;

 private:
  friend class FileOpening;
  friend class OpenFile;

  FileSpace(OwnedFd root, const FileQuota& quota, const FileUse& present)
      : root_(std::move(root)), ledger_(quota, present) {}

  // The lock is held.
  Result<OwnedFd> open_regular(const std::string& path, int flags);
  Result<OwnedFd> create_regular(const std::string& path, int flags);
  Result<OwnedFd> open_or_create(const std::string& path, const OpenHow& how);
  Result<void> set_length(int fd, uint64_t length);
  // Gives back what `fd` stands for, if neither a name nor an opening is left of it.
  void settle(int fd);

  void closed(int fd, FileId id);

  const OwnedFd root_;
  mutable std::mutex mutex_;
  FileLedger ledger_;
};

}  // namespace weft
