/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries from within a confined process what it must not be able to do, one thing for each
 * word, and prints "WORD: " and what came of it: "done", or the error's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int result_of(long r) { return r < 0 ? errno : 0; }

static int open_shadow(void) { return result_of(open("/etc/shadow", O_RDONLY)); }
static int open_passwd(void) { return result_of(open("/etc/passwd", O_RDONLY)); }
static int open_proc(void) { return result_of(open("/proc/1/environ", O_RDONLY)); }
static int make_file(void) { return result_of(open("/usr/weft-was-here", O_WRONLY | O_CREAT, 0644)); }
static int make_tmp(void) { return result_of(open("/tmp/weft-was-here", O_WRONLY | O_CREAT, 0644)); }
static int run_ptrace(void) { return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }
static int raw_socket(void) { return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int udp_socket(void) { return result_of(socket(AF_INET, SOCK_DGRAM, 0)); }
static int unix_socket(void) { return result_of(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int signal_parent(void) { return result_of(kill(getppid() != 0 ? getppid() : 1, SIGKILL)); }
static int become_root(void) { return result_of(setuid(0)); }
static int new_namespace(void) { return result_of(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */)); }
static int do_mount(void) { return result_of(mount("none", "/usr", "tmpfs", 0, NULL)); }
static int set_clock(void) {
  const struct timespec t = {0, 0};
  return result_of(clock_settime(CLOCK_REALTIME, &t));
}
static int raise_limit(void) {
  const struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
  return result_of(setrlimit(RLIMIT_CORE, &more));
}
static int use_bpf(void) { return result_of(syscall(SYS_bpf, 5, NULL, 0)); }
static int io_uring(void) { return result_of(syscall(SYS_io_uring_setup, 4, NULL)); }

/* Processes, at most 100 of them, each of which ends at once. */
static int fork_bomb(void) {
  int i;
  for (i = 0; i < 100; i++) {
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
  }
  return 0;
}

static void* wait_forever(void* unused) {
  pause();
  return unused;
}

/* Threads: at most 1000, which wait.  Prints how many there were. */
static int thread_bomb(void) {
  int i, error = 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  for (i = 0; i < 1000 && error == 0; i++) {
    pthread_t thread;
    error = pthread_create(&thread, &small, wait_forever, NULL);
  }
  printf("%d threads ", error == 0 ? i : i - 1);
  return error;
}

/* Memory, at most 512 MiB, every page of it used. */
static int use_memory(void) {
  int i;
  for (i = 0; i < 512; i++) {
    char* const piece = malloc(1 << 20);
    if (piece == NULL) return ENOMEM;
    memset(piece, i | 1, 1 << 20);
  }
  return 0;
}

/* Memory that is no address space: a file in memory, at most 512 MiB. */
static int use_memory_file(void) {
  static char piece[1 << 20];
  int i;
  const int fd = memfd_create("probe", 0);
  if (fd < 0) return errno;
  memset(piece, 1, sizeof piece);
  for (i = 0; i < 512; i++) {
    if (write(fd, piece, sizeof piece) != (ssize_t)sizeof piece) return errno;
  }
  return 0;
}

/* CPU time, for a second.  Prints the share that there was, in percent. */
static int use_cpu(void) {
  struct timespec begin, now, used;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 1000);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  printf("%ld percent ", used.tv_sec * 100 + used.tv_nsec / 10000000);
  return 0;
}

static int descriptors(void) {
  int fd;
  for (fd = 0; fd < 1024; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) printf("%d ", fd);
  }
  return 0;
}

extern char** environ;
static int environment(void) {
  char** each;
  for (each = environ; *each != NULL; each++) printf("%s ", *each);
  return 0;
}

static int identity(void) {
  printf("uid %d gid %d groups %d pid %d ", (int)getuid(), (int)getgid(), (int)getgroups(0, NULL),
         (int)getpid());
  return 0;
}

static int interfaces(void) {
  char name[IF_NAMESIZE];
  int i, count = 0;
  for (i = 1; i < 64; i++) count += if_indextoname((unsigned)i, name) != NULL;
  printf("%d interfaces ", count);
  return 0;
}

static int echo_socket(void) {
  char buffer[64];
  const int fd = atoi(getenv("WEFT_SNOW_FD"));
  const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
  return result_of(n < 0 ? n : send(fd, buffer, (size_t)n, 0));
}

static int say_much(void) {
  int i;
  for (i = 0; i < 100; i++) printf("line %d\n", i);
  return 0;
}

static int die_by_abort(void) { abort(); }
static int die_by_fault(void) { return *(volatile int*)8; }
static int exit_3(void) { exit(3); }
static int stay(void) {
  for (;;) pause();
}
static int stay_though_asked(void) {
  signal(SIGTERM, SIG_IGN);
  return stay();
}

static const struct {
  const char* word;
  int (*attempt)(void);
} kAttempts[] = {
    {"open_shadow", open_shadow},
    {"open_passwd", open_passwd},
    {"open_proc", open_proc},
    {"make_file", make_file},
    {"make_tmp", make_tmp},
    {"ptrace", run_ptrace},
    {"raw_socket", raw_socket},
    {"udp_socket", udp_socket},
    {"unix_socket", unix_socket},
    {"signal_parent", signal_parent},
    {"become_root", become_root},
    {"new_namespace", new_namespace},
    {"mount", do_mount},
    {"set_clock", set_clock},
    {"raise_limit", raise_limit},
    {"bpf", use_bpf},
    {"io_uring", io_uring},
    {"fork_bomb", fork_bomb},
    {"thread_bomb", thread_bomb},
    {"use_memory", use_memory},
    {"use_memory_file", use_memory_file},
    {"use_cpu", use_cpu},
    {"descriptors", descriptors},
    {"environment", environment},
    {"identity", identity},
    {"interfaces", interfaces},
    {"echo_socket", echo_socket},
    {"say_much", say_much},
    {"die_by_abort", die_by_abort},
    {"die_by_fault", die_by_fault},
    {"exit_3", exit_3},
    {"stay", stay},
    {"stay_though_asked", stay_though_asked},
};

int main(int argc, char** argv) {
  int i;
  size_t k;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (i = 1; i < argc; i++) {
    for (k = 0; k < sizeof kAttempts / sizeof *kAttempts; k++) {
      int error;
      if (strcmp(argv[i], kAttempts[k].word) != 0) continue;
      printf("%s: ", argv[i]);
      error = kAttempts[k].attempt();
      printf("%s\n", error == 0 ? "done" : strerrorname_np(error));
    }
  }
  return 0;
}
