// SPDX-License-Identifier: Apache-2.0
// OpenFile and OpenDir: what is done with what is open.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "nodeos_api/beneath.h"
#include "nodeos_api/file_space.h"
#include "nodeos_api/file_status.h"

namespace weft {

namespace {

constexpr std::string_view kThis = "the file";
constexpr uint64_t kMaxOffset = INT64_MAX;

// Repeats what a signal interrupted.
template <typename Call>
Result<size_t> transfer(Call call) {
  ssize_t n;
  do {
    n = call();
  } while (n < 0 && errno == EINTR);
  if (n < 0) return file_error(kThis, errno);
  return size_t(n);
}

Error not_open_for(const char* what) {
  return {Code::kPermission, std::string("the file was not opened to be ") + what};
}

}  // namespace

Result<size_t> OpenFile::read(std::span<uint8_t> into) {
  if (!how_.read) return not_open_for("read");
  const size_t n = std::min(into.size(), kMaxTransfer);
  return transfer([&] { return ::read(fd(), into.data(), n); });
}

Result<size_t> OpenFile::read_at(uint64_t offset, std::span<uint8_t> into) {
  if (!how_.read) return not_open_for("read");
  const size_t n = std::min(into.size(), kMaxTransfer);
  if (offset > kMaxOffset - n) return Error{Code::kInvalid, "no file reaches to that offset"};
  return transfer([&] { return ::pread(fd(), into.data(), n, off_t(offset)); });
}

Result<size_t> OpenFile::write(std::span<const uint8_t> from) {
  if (!how_.write) return not_open_for("written");
  std::lock_guard lock(opening_.space().mutex_);
  const off_t at = ::lseek(fd(), 0, how_.append ? SEEK_END : SEEK_CUR);
  if (at < 0) return file_error(kThis, errno);
  const auto written = write_locked(uint64_t(at), from);
  if (written) ::lseek(fd(), at + off_t(*written), SEEK_SET);
  return written;
}

Result<size_t> OpenFile::write_at(uint64_t offset, std::span<const uint8_t> from) {
  if (!how_.write) return not_open_for("written");
  std::lock_guard lock(opening_.space().mutex_);
  return write_locked(offset, from);
}

// What is written is taken from the quota before, and settled after.  The descriptor is not
// opened to append, since then it would, wherever it is told to write.
Result<size_t> OpenFile::write_locked(uint64_t offset, std::span<const uint8_t> from) {
  const size_t n = std::min(from.size(), kMaxTransfer);
  if (offset > kMaxOffset - n) return Error{Code::kInvalid, "no file reaches to that offset"};
  if (n == 0) return size_t{0};
  FileLedger& ledger = opening_.space().ledger_;
  struct stat before, after;
  if (::fstat(fd(), &before) != 0) return file_error(kThis, errno);
  const uint64_t length = uint64_t(before.st_size);
  const uint64_t growth = offset + n > length ? offset + n - length : 0;
  if (auto taken = ledger.take_bytes(growth); !taken) return taken.error();
  const auto written = transfer([&] { return ::pwrite(fd(), from.data(), n, off_t(offset)); });
  if (::fstat(fd(), &after) != 0) return file_error(kThis, errno);
  ledger.settle_bytes(length + growth, uint64_t(after.st_size));
  return written;
}

Result<uint64_t> OpenFile::seek(int64_t offset, int whence) {
  if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
    return Error{Code::kInvalid, "a place is counted from the start, from here, or from the end"};
  const off_t at = ::lseek(fd(), offset, whence);
  if (at < 0) return file_error(kThis, errno);
  return uint64_t(at);
}

Result<void> OpenFile::truncate(uint64_t length) {
  if (!how_.write) return not_open_for("written");
  if (length > kMaxOffset) return Error{Code::kInvalid, "no file can be so long"};
  FileSpace& space = opening_.space();
  std::lock_guard lock(space.mutex_);
  return space.set_length(fd(), length);
}

Result<FileStatus> OpenFile::status() const {
  struct stat what;
  if (::fstat(fd(), &what) != 0) return file_error(kThis, errno);
  return status_of(what);
}

Result<void> OpenFile::sync() {
  if (::fsync(fd()) != 0) return file_error(kThis, errno);
  return {};
}

Result<std::optional<OpenDir::Listed>> OpenDir::next() {
  std::lock_guard lock(mutex_);
  const dirent* entry = next_entry(stream_.get());
  if (entry == nullptr && errno != 0) return file_error("the directory", errno);
  if (entry == nullptr) return std::optional<Listed>();
  Listed listed{entry->d_name, FileType::kOther};
  if (entry->d_type == DT_REG) listed.type = FileType::kRegular;
  if (entry->d_type == DT_DIR) listed.type = FileType::kDirectory;
  struct stat what;
  const bool untold = entry->d_type == DT_UNKNOWN;  // some file systems do not say
  if (untold && ::fstatat(opening_.fd(), entry->d_name, &what, AT_SYMLINK_NOFOLLOW) == 0)
    listed.type = type_of(what.st_mode);
  return std::optional(std::move(listed));
}

}  // namespace weft
