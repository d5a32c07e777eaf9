/* SPDX-License-Identifier: Apache-2.0 */
/* Files: a root that no path leaves, whoever swaps what a name on the way means. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/file_check.h"

/* No call by this path succeeds, and each fails with `status`. */
static void expect_all_fail(an_Domain d, int status_wanted, const char* path) {
  an_FileStat s = {sizeof s};
  EXPECT_NULL(status_wanted, an_open(NULL, d, path, AN_O_RDONLY));
  EXPECT_NULL(status_wanted, an_open(NULL, d, path, AN_O_RDWR | AN_O_CREAT));
  EXPECT_NULL(status_wanted, an_open(NULL, d, path, AN_O_RDWR | AN_O_CREAT | AN_O_EXCL));
  EXPECT_NULL(status_wanted, an_open(NULL, d, path, AN_O_RDWR | AN_O_CREAT | AN_O_TRUNC));
  EXPECT_NULL(status_wanted, an_opendir(NULL, d, path));
  EXPECT_STATUS(status_wanted, an_stat(d, path, &s));
  EXPECT_STATUS(status_wanted, an_mkdir(d, path));
  EXPECT_STATUS(status_wanted, an_rmdir(d, path));
  EXPECT_STATUS(status_wanted, an_unlink(d, path));
  EXPECT_STATUS(status_wanted, an_rename(d, path, "there"));
  EXPECT_STATUS(status_wanted, an_rename(d, "here", path));
}

static void outside(arena* world) {
  EXPECT(mkdir(host(world, "../outside"), 0700) == 0);
  host_write(world, "../outside/secret", "secret");
}
static void outside_is_as_it_was(arena* world) {
  EXPECT(host_holds(world, "../outside/secret", "secret") && host_count(world, "../outside") == 1);
  EXPECT(!host_has(world, "there"));
}

static void dots(arena* world) {
  an_Domain d = plain_domain();
  outside(world);
  EXPECT(put(d, "here", "x") && an_mkdir(d, "dir") == AN_OK);
  expect_all_fail(d, AN_EPERM, "../outside/secret");
  expect_all_fail(d, AN_EPERM, "../outside/new");
  expect_all_fail(d, AN_EPERM, "dir/../../outside/secret");
  expect_all_fail(d, AN_EPERM, "dir/../dir/.././../outside/new");
  EXPECT_NULL(AN_EPERM, an_opendir(NULL, d, ".."));
  EXPECT_NULL(AN_EPERM, an_opendir(NULL, d, "dir/../.."));
  EXPECT(get(d, "dir/../here", "x") && get(d, ".//./here", "x")); /* beneath the root they may */
  EXPECT(used(d, 1, 2));
  outside_is_as_it_was(world);
  an_domainDestroy(d);
}

static void last_name_of_dots(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(an_mkdir(d, "dir") == AN_OK && put(d, "a", "x"));
  EXPECT_STATUS(AN_EINVAL, an_rmdir(d, "."));
  EXPECT_STATUS(AN_EINVAL, an_rmdir(d, "dir/."));
  EXPECT_STATUS(AN_EINVAL, an_rmdir(d, ".."));
  EXPECT_STATUS(AN_EINVAL, an_mkdir(d, ".."));
  EXPECT_STATUS(AN_EINVAL, an_unlink(d, "dir/.."));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, ".", "b"));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, "a", ".."));
  EXPECT_STATUS(AN_EINVAL, an_unlink(d, "a/"));
  EXPECT(used(d, 1, 2));
  (void)world;
  an_domainDestroy(d);
}

static void absolute(arena* world) {
  an_Domain d = plain_domain();
  char path[4200];
  outside(world);
  EXPECT(put(d, "here", "x"));
  expect_all_fail(d, AN_EPERM, "/");
  expect_all_fail(d, AN_EPERM, "/nowhere");
  snprintf(path, sizeof path, "%s", host(world, "../outside/secret"));
  expect_all_fail(d, AN_EPERM, path);
  expect_all_fail(d, AN_EPERM, "//here");
  snprintf(path, sizeof path, "%s", host(world, "here")); /* not even to what is beneath */
  expect_all_fail(d, AN_EPERM, path);
  outside_is_as_it_was(world);
  an_domainDestroy(d);
}

static void links_out(arena* world) {
  char through_proc[4200];
  an_FileStat s = {sizeof s};
  an_Domain d = plain_domain();
  outside(world);
  EXPECT(put(d, "here", "x"));
  EXPECT(symlink("../outside", host(world, "out")) == 0);
  EXPECT(symlink(host(world, "../outside"), host(world, "far")) == 0);
  EXPECT(symlink("/proc/self/root", host(world, "proc")) == 0);
  EXPECT(symlink("../outside/secret", host(world, "one")) == 0);
  EXPECT(symlink("../outside/new", host(world, "none")) == 0);
  expect_all_fail(d, AN_EPERM, "out/secret");
  expect_all_fail(d, AN_EPERM, "far/secret");
  expect_all_fail(d, AN_EPERM, "far/new");
  snprintf(through_proc, sizeof through_proc, "proc%s", host(world, "../outside/secret"));
  expect_all_fail(d, AN_EPERM, through_proc);
  EXPECT_NULL(AN_EPERM, an_opendir(NULL, d, "out"));
  EXPECT_NULL(AN_EPERM, an_opendir(NULL, d, "out/."));
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "one", AN_O_RDONLY));
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "one", AN_O_WRONLY | AN_O_TRUNC));
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "none", AN_O_WRONLY | AN_O_CREAT));
  EXPECT_STATUS(AN_EPERM, an_stat(d, "one", &s));
  EXPECT_STATUS(AN_EEXIST, an_mkdir(d, "none"));
  EXPECT_NULL(AN_EEXIST, an_open(NULL, d, "none", AN_O_WRONLY | AN_O_CREAT | AN_O_EXCL));
  outside_is_as_it_was(world);
  /* The link itself is the root's own. */
  EXPECT(an_rename(d, "one", "two") == AN_OK && an_unlink(d, "two") == AN_OK && !host_has(world, "two"));
  outside_is_as_it_was(world);
  an_domainDestroy(d);
}

static void links_beneath(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(an_mkdir(d, "dir") == AN_OK && put(d, "dir/a", "text"));
  EXPECT(symlink("dir/a", host(world, "to_file")) == 0 && symlink("../dir", host(world, "dir/to_dir")) == 0);
  EXPECT(symlink("nowhere", host(world, "dangles")) == 0 && symlink("loop", host(world, "loop")) == 0);
  EXPECT(get(d, "to_file", "text") && get(d, "dir/to_dir/to_dir/a", "text"));
  EXPECT(stat_of(d, "to_file").length == 4);
  EXPECT(put(d, "to_file", "new text") && get(d, "dir/a", "new text"));
  EXPECT_NULL(AN_ENOENT, an_open(NULL, d, "dangles", AN_O_RDWR));
  EXPECT_NULL(AN_ENOENT, an_open(NULL, d, "dangles", AN_O_RDWR | AN_O_CREAT));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "loop", AN_O_RDWR));
  EXPECT(!host_has(world, "nowhere"));
  an_domainDestroy(d);
}

static void links_of_proc(arena* world) {
  char self[64];
  an_Domain d = plain_domain();
  const int fd = open("/", O_RDONLY | O_DIRECTORY);
  snprintf(self, sizeof self, "/proc/%d/fd/%d", (int)getpid(), fd);
  EXPECT(symlink(self, host(world, "magic")) == 0);
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "magic/etc", AN_O_RDONLY));
  EXPECT_NULL(AN_EPERM, an_opendir(NULL, d, "magic"));
  close(fd);
  an_domainDestroy(d);
}

static void control_characters(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(put(d, "here", "x"));
  expect_all_fail(d, AN_EINVAL, "two\nlines");
  expect_all_fail(d, AN_EINVAL, "\n");
  expect_all_fail(d, AN_EINVAL, "here\r");
  expect_all_fail(d, AN_EINVAL, "\033[2Jcleared");
  expect_all_fail(d, AN_EINVAL, "\177");
  EXPECT(strchr(an_errtext(), '\n') == NULL && strchr(an_errtext(), '\033') == NULL);
  EXPECT(put(d, "na\xc3\xafve \"quoted\" %s {} $(x)", "fine") && used(d, 5, 2));
  (void)world;
  an_domainDestroy(d);
}

static void long_names(arena* world) {
  static char path[8192];
  size_t i;
  an_Domain d = plain_domain();
  EXPECT(put(d, "here", "x"));
  memset(path, 'n', 255);
  path[255] = '\0';
  EXPECT(put(d, path, "fits") && get(d, path, "fits") && an_unlink(d, path) == AN_OK);
  memset(path, 'n', 256);
  path[256] = '\0';
  expect_all_fail(d, AN_EINVAL, path);
  for (i = 0; i < 4094; i += 2) memcpy(path + i, "./", 2);
  strcpy(path + 4090, "here");
  EXPECT(get(d, path, "x"));
  for (i = 0; i < 4096; i += 2) memcpy(path + i, "./", 2);
  strcpy(path + 4092, "here");
  expect_all_fail(d, AN_EINVAL, path);
  memset(path, 'n', sizeof path - 1);
  expect_all_fail(d, AN_EINVAL, path);
  EXPECT(strlen(an_errtext()) < 512 && used(d, 1, 1));
  (void)world;
  an_domainDestroy(d);
}

/* What is not a regular file is not opened: nothing waits, and nothing happens to it. */
static void special_files(arena* world) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  an_Domain d = plain_domain();
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const char* at = host(world, "socket");
  EXPECT(mkfifo(host(world, "pipe"), 0600) == 0);
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "pipe", AN_O_RDONLY));
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "pipe", AN_O_WRONLY));
  EXPECT_NULL(AN_EPERM, an_open(NULL, d, "pipe", AN_O_RDWR | AN_O_CREAT));
  if (strlen(at) < sizeof name.sun_path) {
    strcpy(name.sun_path, at);
    EXPECT(bind(fd, (const struct sockaddr*)&name, sizeof name) == 0);
    EXPECT_NULL(AN_EPERM, an_open(NULL, d, "socket", AN_O_RDWR));
  }
  close(fd);
  if (mknod(host(world, "null"), S_IFCHR | 0600, 1 << 8 | 3) == 0) { /* needs root */
    EXPECT_NULL(AN_EPERM, an_open(NULL, d, "null", AN_O_RDWR));
    EXPECT(stat_of(d, "null").type == AN_FILE_OTHER);
  }
  EXPECT(stat_of(d, "pipe").type == AN_FILE_OTHER && use(d).open == 0);
  an_domainDestroy(d);
}

/* ---- Races: somebody swaps what a name on the way means ---------------------------- */

typedef struct swapper {
  char one[4200], two[4200];
  atomic_int stop;
  atomic_ulong swaps;
} swapper;
static void* swap(void* arg) {
  swapper* s = (swapper*)arg;
  while (!s->stop) {
    if (renameat2(AT_FDCWD, s->one, AT_FDCWD, s->two, RENAME_EXCHANGE) == 0) s->swaps++;
  }
  return NULL;
}
static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
/* Calls `work` for half a second, and longer on a busy machine, while `one` and `two` are swapped. */
static void while_swapped(arena* world, const char* one, const char* two,
                          void (*work)(an_Domain d, unsigned turn), an_Domain d) {
  static swapper s;
  pthread_t thread;
  unsigned turn = 0;
  double end;
  memset(&s, 0, sizeof s);
  strcpy(s.one, host(world, one));
  strcpy(s.two, host(world, two));
  REQUIRE(pthread_create(&thread, NULL, swap, &s) == 0);
  for (end = seconds() + 0.5; seconds() < end || (seconds() < end + 10 && (turn < 200 || s.swaps < 200));
       turn++)
    work(d, turn);
  s.stop = 1;
  pthread_join(thread, NULL);
  EXPECT(s.swaps > 100 && turn > 100);
}

static void read_through_swap(an_Domain d, unsigned turn) {
  char read[16] = "";
  an_File f = an_open(NULL, d, turn % 2 ? "dir/../dir/secret" : "dir/secret", AN_O_RDONLY);
  if (f == NULL) {
    EXPECT(an_errno() == AN_EPERM || an_errno() == AN_ENOENT || an_errno() == AN_EIO);
    return;
  }
  EXPECT(an_read(f, read, sizeof read) == 5 && memcmp(read, "mine!", 5) == 0);
  an_close(f);
}
static void swapped_while_read(arena* world) {
  an_Domain d = plain_domain();
  outside(world);
  EXPECT(an_mkdir(d, "dir") == AN_OK && put(d, "dir/secret", "mine!"));
  EXPECT(symlink("../outside", host(world, "link")) == 0);
  while_swapped(world, "dir", "link", read_through_swap, d);
  outside_is_as_it_was(world);
  EXPECT(use(d).open == 0);
  an_domainDestroy(d);
}

static void change_through_swap(an_Domain d, unsigned turn) {
  an_File f;
  (void)turn;
  f = an_open(NULL, d, "dir/new", AN_O_WRONLY | AN_O_CREAT | AN_O_TRUNC);
  if (f != NULL) {
    an_write(f, "x", 1);
    an_close(f);
  }
  an_mkdir(d, "dir/sub");
  an_rename(d, "dir/new", "dir/newer");
  an_unlink(d, "dir/newer");
  an_unlink(d, "dir/new");
  an_rmdir(d, "dir/sub");
  an_unlink(d, "dir/secret");
  an_rename(d, "dir/secret", "there");
}
static void swapped_while_changed(arena* world) {
  an_Domain d = plain_domain();
  outside(world);
  EXPECT(an_mkdir(d, "dir") == AN_OK);
  EXPECT(symlink("../outside", host(world, "link")) == 0);
  while_swapped(world, "dir", "link", change_through_swap, d);
  outside_is_as_it_was(world);
  an_domainDestroy(d);
}

static void open_pipe_or_file(an_Domain d, unsigned turn) {
  an_File f = an_open(NULL, d, "a", turn % 2 ? AN_O_RDONLY : AN_O_WRONLY);
  an_FileStat s = {sizeof s};
  if (f == NULL) {
    EXPECT(an_errno() == AN_EPERM || an_errno() == AN_EIO || an_errno() == AN_ENOENT);
    return;
  }
  EXPECT(an_fstat(f, &s) == AN_OK && s.type == AN_FILE_REGULAR);
  an_close(f);
}
static void swapped_with_a_pipe(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(put(d, "a", "text") && mkfifo(host(world, "pipe"), 0600) == 0);
  while_swapped(world, "a", "pipe", open_pipe_or_file, d); /* ends: nothing waits for the pipe */
  an_domainDestroy(d);
}

const check file_root_checks[] = {
    {"file: '..' does not leave the root", dots},
    {"file: a last name of dots is no entry", last_name_of_dots},
    {"file: absolute paths leave the root", absolute},
    {"file: links out of the root lead nowhere", links_out},
    {"file: links beneath the root are followed", links_beneath},
    {"file: links of /proc lead nowhere", links_of_proc},
    {"file: no control characters in names", control_characters},
    {"file: long names", long_names},
    {"file: devices, pipes and sockets are not opened", special_files},
    {"file: a directory is swapped with a link while files are read", swapped_while_read},
    {"file: a directory is swapped with a link while files are changed", swapped_while_changed},
    {"file: a file is swapped with a pipe", swapped_with_a_pipe},
    {NULL, NULL},
};
