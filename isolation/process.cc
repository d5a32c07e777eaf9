// SPDX-License-Identifier: Apache-2.0
#include "isolation/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "isolation/child.h"
#include "isolation/landlock.h"

namespace weft::isolation {

namespace {

struct Pipe {
  OwnedFd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error("pipe2", errno);
  return Pipe{OwnedFd(fds[0]), OwnedFd(fds[1])};
}

// As execve takes them.
std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct Born {
  pid_t pid = -1;
  OwnedFd pidfd;
  std::optional<Failure> failure;  // it could not become the program, and has ended
};

// Makes the child, and waits until it is the program, or has failed: a moment.
// Errors: clone3's.
Result<Born> give_birth(ChildPlan& plan, Pipe report) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags =
      CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (plan.namespaces != nullptr ? plan.namespaces->flags : 0);
  arguments.pidfd = uint64_t(reinterpret_cast<uintptr_t>(&pidfd));
  arguments.exit_signal = SIGCHLD;
  plan.descriptors.report = report.write.get();
  const auto pid = pid_t(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid < 0) return system_error("clone3", errno);
  if (pid == 0) run_child(plan);
  Born born{.pid = pid, .pidfd = OwnedFd(pidfd), .failure = {}};
  report.write.reset();
  Failure failure;
  ssize_t n = 0;
  do n = ::read(report.read.get(), &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == sizeof failure) {
    born.failure = failure;
    siginfo_t info{};
    ::waitid(idtype_t(P_PIDFD), id_t(born.pidfd.get()), &info, WEXITED);
  }
  return born;
}

bool is_of_namespaces(const Failure& failure) {
  return failure.step == Step::kUserMap || failure.step == Step::kRootView;
}

std::string to_text(const Failure& failure) {
  return std::string(name(failure.step)) + ": " + std::strerror(failure.error);
}

// What isolate = true adds; outlives the plan that points into it.
class Isolation {
 public:
  // `memory_files`: as SyscallFilter::make().
  static Result<std::unique_ptr<Isolation>> make(const Confinement& wish, bool memory_files, Fences& fences) {
    auto filter = SyscallFilter::make(memory_files);
    if (!filter) return filter.error();
    for (const std::string& path : wish.readable) {
      if (::access(path.c_str(), F_OK) != 0) return system_error(path, errno);
    }
    const auto visible = visible_to(wish.argv.front(), wish.libraries, wish.readable);
    std::unique_ptr<Isolation> made(
        new Isolation{std::move(*filter), make_ruleset(visible, fences), RootView(visible)});
    for (const char* fence : {"no capabilities", "no new privileges", "seccomp"})
      fences.has.emplace_back(fence);
    return made;
  }
  void put_into(ChildPlan& plan) const {
    plan.drop_privileges = true;
    plan.filter = &filter_;
    plan.ruleset = ruleset_.get();
    plan.root = &root_;
    plan.namespaces = &namespaces_;
  }

 private:
  Isolation(SyscallFilter filter, OwnedFd ruleset, RootView root)
      : filter_(std::move(filter)), ruleset_(std::move(ruleset)), root_(std::move(root)) {}

  SyscallFilter filter_;
  OwnedFd ruleset_;
  RootView root_;
  Namespaces namespaces_ = choose_namespaces();
};

// With namespaces, or one rung down without, and `fences` says which and why.  What is left
// holds without them.
Result<Born> give_birth(ChildPlan& plan, Fences& fences) {
  for (;;) {
    auto report = make_pipe();
    if (!report) return report.error();
    auto born = give_birth(plan, std::move(*report));
    const bool in_namespaces = plan.namespaces != nullptr;
    if (!in_namespaces || (born && !(born->failure && is_of_namespaces(*born->failure)))) {
      if (in_namespaces) fences.has.emplace_back("namespaces");
      return born;
    }
    fences.lacks.push_back("namespaces: " + (born ? to_text(*born->failure) : born.error().sentence));
    plan.namespaces = nullptr;
    plan.root = nullptr;
  }
}

Error cannot_start(const std::string& program, const Failure& failure) {
  const bool no_program = failure.step == Step::kExec && failure.error == ENOENT;
  return system_error(no_program ? program : std::string(name(failure.step)) + " of " + program,
                      failure.error);
}

}  // namespace

Result<Process> Process::start(const Confinement& wish, OwnedFd socket) {
  Process process;
  auto identity = find_identity(wish.user, process.fences_);
  if (!identity) return identity.error();
  process.groups_ = ControlGroup::make(wish, process.fences_);
  auto output = make_pipe();
  if (!output) return output.error();
  ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
  const OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return system_error("open /dev/null", errno);

  const bool by_address_space = wish.memory != 0 && !process.groups_.bounds_memory();
  const auto argv = pointers_to(wish.argv), environment = pointers_to(wish.environment);
  ChildPlan plan{.groups = &process.groups_,
                 .limits = {.address_space = by_address_space ? wish.memory : 0,
                            .tasks = process.groups_.bounds_tasks() ? 0 : wish.tasks},
                 .identity = *identity,
                 .descriptors = {null.get(), output->write.get(), socket.get(), -1},
                 .argv = argv.data(),
                 .environment = environment.data()};
  std::unique_ptr<Isolation> isolation;
  if (wish.isolate) {
    auto made = Isolation::make(wish, !by_address_space, process.fences_);
    if (!made) return made.error();
    isolation = std::move(*made);
    isolation->put_into(plan);
  } else {
    process.fences_.lacks.emplace_back("isolation: the config says isolate = false");
  }
  auto born = give_birth(plan, process.fences_);
  if (!born) return born.error();
  if (born->failure) return cannot_start(wish.argv.front(), *born->failure);
  process.pid_ = born->pid;
  process.pidfd_ = std::move(born->pidfd);
  process.output_ = std::move(output->read);
  return process;
}

Process::~Process() {
  if (!pidfd_) return;
  signal(SIGKILL);
  pollfd wait{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  ::poll(&wait, 1, 5000);  // a process in the kernel's hands may take a moment to die
  reap();
}

void Process::signal(int number) {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<Death> Process::reap() {
  if (!pidfd_) return std::nullopt;
  siginfo_t info{};
  if (::waitid(idtype_t(P_PIDFD), id_t(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  pidfd_.reset();
  return Death{.by_signal = info.si_code != CLD_EXITED,
               .number = info.si_status,
               .out_of_memory = groups_.out_of_memory()};
}

std::string to_text(const Death& death) {
  if (!death.by_signal) return "exit status " + std::to_string(death.number);
  const char* const name = ::sigabbrev_np(death.number);
  return "killed by SIG" + (name != nullptr ? std::string(name) : std::to_string(death.number)) +
         (death.out_of_memory ? ": over its memory limit" : "");
}

}  // namespace weft::isolation
