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

}  // namespace

Result<Process> Process::start(const Confinement& wish, OwnedFd socket) {
  Process process;
  Fences& fences = process.fences_;
  auto identity = find_identity(wish.user, fences);
  if (!identity) return identity.error();
  process.groups_ = ControlGroup::make(wish, fences);
  auto output = make_pipe();
  if (!output) return output.error();
  ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
  const OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return system_error("open /dev/null", errno);

  const auto argv = pointers_to(wish.argv), environment = pointers_to(wish.environment);
  ChildPlan plan{.groups = &process.groups_,
                 .namespaces = nullptr,
                 .root = nullptr,
                 .limits = {.address_space = process.groups_.bounds_memory() ? 0 : wish.memory,
                            .tasks = process.groups_.bounds_tasks() ? 0 : wish.tasks},
                 .identity = *identity,
                 .ruleset = -1,
                 .filter = nullptr,
                 .drop_privileges = wish.isolate,
                 .descriptors = {null.get(), output->write.get(), socket.get(), -1},
                 .argv = argv.data(),
                 .environment = environment.data()};
  const Namespaces namespaces = choose_namespaces();
  const auto visible = visible_to(wish.argv.front());
  const RootView root(visible);
  std::optional<SyscallFilter> filter;
  OwnedFd ruleset;
  if (wish.isolate) {
    auto made = SyscallFilter::make();
    if (!made) return made.error();
    filter = std::move(*made);
    ruleset = make_ruleset(visible, fences);
    plan.filter = &*filter;
    plan.ruleset = ruleset.get();
    plan.namespaces = &namespaces;
    plan.root = &root;
    for (const char* fence : {"no capabilities", "no new privileges", "seccomp"})
      fences.has.emplace_back(fence);
  } else {
    fences.lacks.emplace_back("isolation: the config says isolate = false");
  }

  for (;;) {
    auto report = make_pipe();
    if (!report) return report.error();
    auto born = give_birth(plan, std::move(*report));
    const bool without =
        plan.namespaces != nullptr && (!born || (born->failure && is_of_namespaces(*born->failure)));
    if (without) {
      // One rung down: what is left holds without them.
      fences.lacks.push_back("namespaces: " + (born
                                                   ? std::string(weft::isolation::name(born->failure->step)) +
                                                         ": " + std::strerror(born->failure->error)
                                                   : born.error().sentence));
      plan.namespaces = nullptr;
      plan.root = nullptr;
      continue;
    }
    if (!born) return born.error();
    if (born->failure) {
      const bool no_program = born->failure->step == Step::kExec && born->failure->error == ENOENT;
      return system_error(
          no_program ? wish.argv.front()
                     : std::string(weft::isolation::name(born->failure->step)) + " of " + wish.argv.front(),
          born->failure->error);
    }
    if (plan.namespaces != nullptr) fences.has.emplace_back("namespaces");
    process.pid_ = born->pid;
    process.pidfd_ = std::move(born->pidfd);
    process.output_ = std::move(output->read);
    return process;
  }
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
