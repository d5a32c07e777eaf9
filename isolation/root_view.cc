// SPDX-License-Identifier: Apache-2.0
#include "isolation/root_view.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace weft::isolation {

namespace {

// Where the new root is put together.  What lies there is hidden from this process alone,
// and what is to be seen of it was opened before.
const std::string kStage = "/tmp";
constexpr size_t kMost = 32;  // more than are visible

}  // namespace

RootView::RootView(const std::vector<Visible>& visible) {
  for (const Visible& v : visible) {
    if (items_.size() == kMost) break;
    Item item{.source = v.path,
              .folders = {},
              .target = kStage + v.path,
              .folder = v.folder,
              .device = v.access == Visible::kDevice};
    for (size_t i = v.path.find('/', 1); i != std::string::npos; i = v.path.find('/', i + 1)) {
      item.folders.push_back(kStage + v.path.substr(0, i));
    }
    if (v.folder) item.folders.push_back(item.target);
    items_.push_back(std::move(item));
  }
}

int RootView::enter() const {
  // Nothing that is mounted here may be seen outside.  (mount_namespaces(7).)
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  int opened[kMost];
  for (size_t i = 0; i < items_.size(); ++i) {
    opened[i] = int(::syscall(SYS_open_tree, AT_FDCWD, items_[i].source.c_str(),
                              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (opened[i] < 0) return errno;
    mount_attr attributes{.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                      (items_[i].device ? uint64_t{0} : uint64_t{MOUNT_ATTR_NODEV}),
                          .attr_clr = 0,
                          .propagation = 0,
                          .userns_fd = 0};
    if (::syscall(SYS_mount_setattr, opened[i], "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                  sizeof attributes) != 0)
      return errno;
  }
  if (::mount("weft", kStage.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") != 0) return errno;
  for (size_t i = 0; i < items_.size(); ++i) {
    if (const int error = carry(items_[i]); error != 0) return error;
    if (::syscall(SYS_move_mount, opened[i], "", AT_FDCWD, items_[i].target.c_str(),
                  MOVE_MOUNT_F_EMPTY_PATH) != 0)
      return errno;
  }
  // The old root comes to lie on top of the new one, and is let go; pivot_root(2), "pivot_root(".", ".")".
  if (::chdir(kStage.c_str()) != 0) return errno;
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return errno;
  if (::umount2(".", MNT_DETACH) != 0) return errno;
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0)
    return errno;
  return ::chdir("/") == 0 ? 0 : errno;
}

// Makes the place that it is mounted on.
int RootView::carry(const Item& item) const {
  for (const std::string& folder : item.folders) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return errno;
  }
  if (item.folder) return 0;
  const int fd = ::open(item.target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

}  // namespace weft::isolation
