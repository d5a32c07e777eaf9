// SPDX-License-Identifier: Apache-2.0
#include "isolation/syscall_filter.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/owned_fd.h"

namespace weft::isolation {

namespace {

// Allowed with any arguments, by what they are for.
constexpr int kAllowed[] = {
    // Memory.
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    SCMP_SYS(ftruncate),
    // Threads, and what the C library does at their beginning and end.
    SCMP_SYS(futex),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    // Signals to itself.
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(signalfd4),
    SCMP_SYS(pause),
    // The descriptors that it has: the Snow socket, its output, its rings.
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    // Waiting.
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    // Looking at the files that it may see: the dynamic linker does.  Which, others say.
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    // Asking who and where it is.
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getgroups),
    SCMP_SYS(getppid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    // The program itself is executed behind the filter.  Another one would be, too.
    SCMP_SYS(execve),
};

// Allowed where the masked argument is the value.
struct Guarded {
  int call;
  unsigned argument;
  uint64_t mask, value;
};
constexpr uint64_t kAll = ~uint64_t{0};
constexpr uint64_t kThread = CLONE_THREAD | CLONE_VM;
constexpr uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr Guarded kGuarded[] = {
    // Threads of its own, no processes and no namespaces.
    {SCMP_SYS(clone), 0, kThread | kNamespaces, kThread},
    // raise(3) and abort(3) where it is the first of its pid namespace; no signal leaves that.
    {SCMP_SYS(tgkill), 0, kAll, 1},
    // Limits are asked, not set.
    {SCMP_SYS(prlimit64), 2, kAll, 0},
    // Names of threads and of memory, for debuggers.
    {SCMP_SYS(prctl), 0, kAll, PR_SET_NAME},
    {SCMP_SYS(prctl), 0, kAll, PR_GET_NAME},
    {SCMP_SYS(prctl), 0, kAll, 0x53564d41},  // PR_SET_VMA
    // Is this a terminal?  How much is there to read?  Do not block.
    {SCMP_SYS(ioctl), 1, kAll, TCGETS},
    {SCMP_SYS(ioctl), 1, kAll, FIONREAD},
    {SCMP_SYS(ioctl), 1, kAll, FIONBIO},
};

using Context = std::unique_ptr<void, decltype(&::seccomp_release)>;

// -EDOM: another architecture's call, which is as good as refused.
bool worked(int result) { return result == 0 || result == -EDOM; }

int fill(void* context, bool memory_files) {
  for (const int call : kAllowed) {
    if (const int r = ::seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0); !worked(r)) return r;
  }
  if (memory_files) {
    const int r = ::seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 0);
    if (!worked(r)) return r;
  }
  for (const Guarded& g : kGuarded) {
    const scmp_arg_cmp condition = {g.argument, SCMP_CMP_MASKED_EQ, g.mask, g.value};
    if (const int r = ::seccomp_rule_add_array(context, SCMP_ACT_ALLOW, g.call, 1, &condition); !worked(r))
      return r;
  }
  // Its flags lie in memory, where a filter cannot read; so it is not there, and the C
  // library takes clone.
  const int r = ::seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  return worked(r) ? 0 : r;
}

// The filter as the kernel takes it.  (libseccomp writes it to a descriptor only.)
std::vector<sock_filter> exported(void* context) {
  const OwnedFd file(::memfd_create("weft-seccomp", MFD_CLOEXEC));
  if (!file || ::seccomp_export_bpf(context, file.get()) != 0) return {};
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  if (size <= 0) return {};
  std::vector<sock_filter> program(size_t(size) / sizeof(sock_filter));
  const ssize_t n = ::pread(file.get(), program.data(), size_t(size), 0);
  return n == size ? program : std::vector<sock_filter>();
}

}  // namespace

Result<SyscallFilter> SyscallFilter::make(bool memory_files) {
  const Context context(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release);
  if (context == nullptr) return Error{Code::kNoMemory, "libseccomp has no memory for a filter"};
  int r = ::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (r == 0) r = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree
  if (r == 0) r = fill(context.get(), memory_files);
  if (r != 0) return system_error("libseccomp", -r);
  auto program = exported(context.get());
  if (program.empty()) return Error{Code::kIo, "libseccomp wrote no filter"};
  return SyscallFilter(std::move(program));
}

int SyscallFilter::apply() const {
  const sock_fprog program{.len = uint16_t(program_.size()),
                           .filter = const_cast<sock_filter*>(program_.data())};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

}  // namespace weft::isolation
