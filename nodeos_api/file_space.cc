// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/file_space.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "nodeos_api/beneath.h"
#include "nodeos_api/file_measure.h"
#include "nodeos_api/file_status.h"

namespace weft {

namespace {

constexpr uint32_t kFileMode = 0600;
constexpr uint32_t kDirMode = 0700;
// How often a name is looked up anew because it changed between two looks.
constexpr int kLooks = 64;

FileId id_of(const struct stat& what) { return {what.st_dev, what.st_ino}; }

// What a name in a folder stands for, itself: a link is not followed.  None: it stands for nothing.
OwnedFd look(const Entry& entry) {
  return OwnedFd(::openat(entry.folder.get(), entry.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

Error not_regular(const std::string& path, const struct stat& what) {
  if (S_ISDIR(what.st_mode)) return file_error(path, EISDIR);
  return path_error(Code::kPermission, path, "neither a file nor a directory");
}

}  // namespace

Result<OwnedFd> FileSpace::take_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), kDirMode) != 0 && errno != EEXIST) return file_error(folder, errno);
  OwnedFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return file_error(folder, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error(folder, errno);
    return path_error(Code::kBusy, folder, "another node has its files there");
  }
  if (const auto beneath = open_beneath(fd.get(), ".", O_PATH); !beneath) {
    return Error{Code::kUnsupported,
                 folder + ": files need openat2, of Linux 5.6 and later: " + beneath.error().sentence};
  }
  return fd;
}

Result<std::unique_ptr<FileSpace>> FileSpace::open(const std::string& root, const FileQuota& quota) {
  auto fd = take_folder(root);
  if (!fd) return fd.error();
  const auto present = measure_files(fd->get());
  if (!present) return Error{present.error().code, root + ": " + present.error().sentence};
  return std::unique_ptr<FileSpace>(new FileSpace(*std::move(fd), quota, *present));
}

FileUse FileSpace::use() const {
  std::lock_guard lock(mutex_);
  return ledger_.use();
}

// Looks what it is before it is opened, since to open a device can do something; and after,
// since the name may have come to mean something else.
Result<OwnedFd> FileSpace::open_regular(const std::string& path, int flags) {
  for (int i = 0; i < kLooks; ++i) {
    const auto seen = open_beneath(root_.get(), path, O_PATH);
    if (!seen) return seen.error();
    struct stat before, after;
    if (::fstat(seen->get(), &before) != 0) return file_error(path, errno);
    if (!S_ISREG(before.st_mode)) return not_regular(path, before);
    auto fd = open_beneath(root_.get(), path, flags | O_NONBLOCK | O_NOCTTY);
    if (!fd) return fd.error();
    if (::fstat(fd->get(), &after) != 0) return file_error(path, errno);
    if (id_of(before) == id_of(after)) return fd;
  }
  return file_error(path, EAGAIN);
}

Result<OwnedFd> FileSpace::create_regular(const std::string& path, int flags) {
  if (auto taken = ledger_.take_file(); !taken) return taken.error();
  auto fd = open_beneath(root_.get(), path, flags | O_CREAT | O_EXCL | O_NONBLOCK | O_NOCTTY, kFileMode);
  if (!fd) ledger_.give_file();
  return fd;
}

Result<OwnedFd> FileSpace::open_or_create(const std::string& path, const OpenHow& how) {
  const int flags = how.read && how.write ? O_RDWR : how.write ? O_WRONLY : O_RDONLY;
  if (!how.create) return open_regular(path, flags);
  if (how.exclusive) return create_regular(path, flags);
  for (int i = 0; i < kLooks; ++i) {
    auto there = open_regular(path, flags);
    if (there || there.error().code != Code::kNotFound) return there;
    auto made = create_regular(path, flags);
    if (made || made.error().code != Code::kExists) return made;
  }
  return path_error(Code::kNotFound, path, "a link that leads nowhere");
}

Result<std::unique_ptr<OpenFile>> FileSpace::open_file(const std::string& path, const OpenHow& how) {
  std::lock_guard lock(mutex_);
  if (auto may = ledger_.may_open(); !may) return may.error();
  auto fd = open_or_create(path, how);
  if (!fd) return fd.error();
  struct stat what;
  if (::fstat(fd->get(), &what) != 0) return file_error(path, errno);
  if (how.truncate && what.st_size > 0) {
    if (auto cut = set_length(fd->get(), 0); !cut) return cut.error();
  }
  ledger_.opened(id_of(what));
  return std::make_unique<OpenFile>(*this, std::move(*fd), id_of(what), how);
}

Result<std::unique_ptr<OpenDir>> FileSpace::open_dir(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (auto may = ledger_.may_open(); !may) return may.error();
  auto fd = open_beneath(root_.get(), path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  struct stat what;
  if (::fstat(fd->get(), &what) != 0) return file_error(path, errno);
  DirStream stream = read_dir(fd->get());
  if (stream == nullptr) return file_error(path, errno);
  ledger_.opened(id_of(what));
  return std::make_unique<OpenDir>(*this, std::move(*fd), id_of(what), std::move(stream));
}

Result<FileStatus> FileSpace::status(const std::string& path) {
  const auto fd = open_beneath(root_.get(), path, O_PATH);
  if (!fd) return fd.error();
  struct stat what;
  if (::fstat(fd->get(), &what) != 0) return file_error(path, errno);
  return status_of(what);
}

Result<void> FileSpace::make_dir(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto entry = entry_beneath(root_.get(), path);
  if (!entry) return entry.error();
  if (auto taken = ledger_.take_file(); !taken) return taken.error();
  if (::mkdirat(entry->folder.get(), entry->name.c_str(), kDirMode) == 0) return {};
  const int reason = errno;
  ledger_.give_file();
  return file_error(path, reason);
}

Result<void> FileSpace::remove_dir(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto entry = entry_beneath(root_.get(), path);
  if (!entry) return entry.error();
  const OwnedFd gone = look(*entry);
  if (!gone) return file_error(path, errno);
  if (::unlinkat(entry->folder.get(), entry->name.c_str(), AT_REMOVEDIR) != 0) return file_error(path, errno);
  settle(gone.get());
  return {};
}

Result<void> FileSpace::remove_file(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto entry = entry_beneath(root_.get(), path);
  if (!entry) return entry.error();
  if (path.ends_with('/')) return path_error(Code::kInvalid, path, "its last '/' means a directory");
  const OwnedFd gone = look(*entry);
  if (!gone) return file_error(path, errno);
  if (::unlinkat(entry->folder.get(), entry->name.c_str(), 0) != 0) return file_error(path, errno);
  settle(gone.get());
  return {};
}

Result<void> FileSpace::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  const auto old_entry = entry_beneath(root_.get(), from);
  if (!old_entry) return old_entry.error();
  const auto new_entry = entry_beneath(root_.get(), to);
  if (!new_entry) return new_entry.error();
  const OwnedFd replaced = look(*new_entry);
  if (::renameat(old_entry->folder.get(), old_entry->name.c_str(), new_entry->folder.get(),
                 new_entry->name.c_str()) != 0) {
    const int reason = errno;
    if (reason != EXDEV) return file_error(reason == ENOENT ? from : to, reason);
    return path_error(Code::kInvalid, to, "it lies on another file system");
  }
  if (replaced) settle(replaced.get());
  return {};
}

void FileSpace::settle(int fd) {
  struct stat what;
  if (::fstat(fd, &what) != 0 || what.st_nlink > 0 || ledger_.is_open(id_of(what))) return;
  ledger_.give_file();
  if (S_ISREG(what.st_mode)) ledger_.give_bytes(uint64_t(what.st_size));
}

void FileSpace::closed(int fd, FileId id) {
  std::lock_guard lock(mutex_);
  if (ledger_.closed(id)) settle(fd);
}

Result<void> FileSpace::set_length(int fd, uint64_t length) {
  struct stat before, after;
  if (::fstat(fd, &before) != 0) return file_error("the file", errno);
  const uint64_t growth = length > uint64_t(before.st_size) ? length - uint64_t(before.st_size) : 0;
  if (auto taken = ledger_.take_bytes(growth); !taken) return taken.error();
  const int reason = ::ftruncate(fd, off_t(length)) == 0 ? 0 : errno;
  if (::fstat(fd, &after) != 0) return file_error("the file", errno);
  ledger_.settle_bytes(uint64_t(before.st_size) + growth, uint64_t(after.st_size));
  if (reason != 0) return file_error("the file", reason);
  return {};
}

FileOpening::~FileOpening() { space_.closed(fd_.get(), id_); }

}  // namespace weft
