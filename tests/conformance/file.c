/* SPDX-License-Identifier: Apache-2.0 */
/* Files: POSIX shape, a root that no path leaves, a quota that stays true. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/check.h"

/* ---- What the checks share ------------------------------------------------------ */

/* A place in the host: beneath the root of the files, or, by "../", beside it. */
static const char* host(arena* world, const char* path) {
  static char at[4][4200];
  static unsigned turn;
  char* here = at[turn++ % 4];
  snprintf(here, sizeof at[0], "%s/%s", arena_files(world), path);
  return here;
}
static void host_write(arena* world, const char* path, const char* text) {
  FILE* file = fopen(host(world, path), "w");
  EXPECT(file != NULL);
  if (file == NULL) return;
  fputs(text, file);
  fclose(file);
}
static int host_holds(arena* world, const char* path, const char* text) {
  char read[256] = "";
  FILE* file = fopen(host(world, path), "r");
  if (file == NULL) return 0;
  read[fread(read, 1, sizeof read - 1, file)] = '\0';
  fclose(file);
  return strcmp(read, text) == 0;
}
static int host_has(arena* world, const char* path) {
  struct stat what;
  return lstat(host(world, path), &what) == 0;
}
/* How many entries a directory of the host has. */
static size_t host_count(arena* world, const char* path) {
  size_t n = 0;
  const struct dirent* e;
  DIR* dir = opendir(host(world, path));
  if (dir == NULL) return 0;
  while ((e = readdir(dir)) != NULL) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  closedir(dir);
  return n;
}

static an_FilesStats use(an_Domain d) {
  an_FilesStats s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  EXPECT(an_filesGetStats(d, &s) == AN_OK);
  return s;
}
static int used(an_Domain d, uint64_t bytes, uint64_t files) {
  const an_FilesStats s = use(d);
  if (s.bytes == bytes && s.files == files) return 1;
  printf("  %lu bytes and %lu files are used\n", (unsigned long)s.bytes, (unsigned long)s.files);
  return 0;
}

static int put(an_Domain d, const char* path, const char* text) {
  an_File f = an_open(NULL, d, path, AN_O_WRONLY | AN_O_CREAT | AN_O_TRUNC);
  const size_t n = strlen(text);
  return f != NULL && an_write(f, text, n) == (int64_t)n && an_close(f) == AN_OK;
}
static int get(an_Domain d, const char* path, const char* text) {
  char read[256];
  an_File f = an_open(NULL, d, path, AN_O_RDONLY);
  const int64_t n = f != NULL ? an_read(f, read, sizeof read) : -1;
  if (f != NULL) an_close(f);
  return n == (int64_t)strlen(text) && memcmp(read, text, (size_t)n) == 0;
}
static an_FileStat stat_of(an_Domain d, const char* path) {
  an_FileStat s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  an_stat(d, path, &s);
  return s;
}
#define EXPECT_FAILS(status, call) EXPECT((call) == -1 && an_errno() == (status) && *an_errtext() != '\0')

/* ---- POSIX shape ----------------------------------------------------------------- */

static void written_and_read(arena* world) {
  char read[32];
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  REQUIRE(f != NULL);
  EXPECT(an_read(f, read, sizeof read) == 0);
  EXPECT(an_write(f, "hello, ", 7) == 7 && an_write(f, "file", 4) == 4);
  EXPECT(an_read(f, read, sizeof read) == 0);
  EXPECT(an_lseek(f, 0, AN_SEEK_SET) == 0);
  EXPECT(an_read(f, read, 5) == 5 && memcmp(read, "hello", 5) == 0);
  EXPECT(an_read(f, read, sizeof read) == 6 && memcmp(read, ", file", 6) == 0);
  EXPECT(an_fsync(f) == AN_OK && an_close(f) == AN_OK);
  EXPECT(host_holds(world, "a", "hello, file"));
  an_domainDestroy(d);
}

static void at_offsets(arena* world) {
  char read[16];
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  EXPECT(an_write(f, "0123456789", 10) == 10);
  EXPECT(an_pwrite(f, "ab", 2, 4) == 2);
  EXPECT(an_pread(f, read, 6, 2) == 6 && memcmp(read, "23ab67", 6) == 0);
  EXPECT(an_pread(f, read, 6, 8) == 2 && an_pread(f, read, 6, 10) == 0 && an_pread(f, read, 6, 1000) == 0);
  EXPECT(an_lseek(f, 0, AN_SEEK_CUR) == 10); /* it stays */
  EXPECT_FAILS(AN_EINVAL, an_pread(f, read, 1, -1));
  EXPECT_FAILS(AN_EINVAL, an_pwrite(f, "x", 1, -1));
  EXPECT_FAILS(AN_EINVAL, an_pwrite(f, "x", 1, INT64_MAX));
  EXPECT_FAILS(AN_EINVAL, an_pread(f, NULL, 1, 0));
  EXPECT_FAILS(AN_EINVAL, an_write(f, NULL, 1));
  EXPECT(an_write(f, NULL, 0) == 0 && used(d, 10, 1));
  (void)world;
  an_domainDestroy(d);
}

static void places(arena* world) {
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  EXPECT(an_write(f, "0123456789", 10) == 10);
  EXPECT(an_lseek(f, -3, AN_SEEK_END) == 7 && an_lseek(f, 2, AN_SEEK_CUR) == 9);
  EXPECT_FAILS(AN_EINVAL, an_lseek(f, -1, AN_SEEK_SET));
  EXPECT_FAILS(AN_EINVAL, an_lseek(f, 0, (an_Whence)3));
  EXPECT(an_lseek(f, 100, AN_SEEK_SET) == 100); /* past the end: nothing grows */
  EXPECT(used(d, 10, 1) && stat_of(d, "a").length == 10);
  (void)world;
  an_domainDestroy(d);
}

static void flags(arena* world) {
  char read[16];
  an_Domain d = plain_domain();
  an_File f;
  EXPECT_NULL(AN_ENOENT, an_open(NULL, d, "a", AN_O_RDWR));
  EXPECT(put(d, "a", "old text"));
  EXPECT_NULL(AN_EEXIST, an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT | AN_O_EXCL));
  EXPECT(get(d, "a", "old text")); /* a refused opening cuts nothing */
  f = an_open(NULL, d, "a", AN_O_RDONLY);
  EXPECT_FAILS(AN_EPERM, an_write(f, "x", 1));
  EXPECT_FAILS(AN_EPERM, an_pwrite(f, "x", 1, 0));
  EXPECT_STATUS(AN_EPERM, an_ftruncate(f, 0));
  an_close(f);
  f = an_open(NULL, d, "a", AN_O_WRONLY);
  EXPECT_FAILS(AN_EPERM, an_read(f, read, 1));
  EXPECT_FAILS(AN_EPERM, an_pread(f, read, 1, 0));
  an_close(f);
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", AN_O_RDONLY | AN_O_TRUNC));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", AN_O_RDWR | AN_O_EXCL));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", AN_O_RDWR | AN_O_WRONLY));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", 1 << 20));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", -1));
  EXPECT(used(d, 8, 1) && use(d).open == 0);
  (void)world;
  an_domainDestroy(d);
}

static void appended(arena* world) {
  an_Domain d = plain_domain();
  an_File one = an_open(NULL, d, "a", AN_O_WRONLY | AN_O_CREAT | AN_O_APPEND);
  an_File two = an_open(NULL, d, "a", AN_O_WRONLY | AN_O_APPEND);
  EXPECT(an_write(one, "1", 1) == 1 && an_write(two, "22", 2) == 2 && an_write(one, "3", 1) == 1);
  EXPECT(an_lseek(one, 0, AN_SEEK_SET) == 0 && an_write(one, "4", 1) == 1);
  EXPECT(get(d, "a", "12234") && used(d, 5, 1));
  EXPECT(an_pwrite(two, "x", 1, 0) == 1 && get(d, "a", "x2234")); /* POSIX: it goes where it is told */
  (void)world;
  an_domainDestroy(d);
}

static void large_transfers_go_in_pieces(arena* world) {
  static char bytes[200000], read[200000];
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  size_t i, done = 0;
  int64_t n;
  uint64_t most = 0;
  EXPECT(an_nodeInfo("file_transfer", &most) == AN_OK && most == AN_FILE_TRANSFER);
  for (i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7 + i / 256);
  EXPECT(an_write(f, bytes, sizeof bytes) == AN_FILE_TRANSFER);
  for (done = AN_FILE_TRANSFER; done < sizeof bytes; done += (size_t)n) {
    n = an_write(f, bytes + done, sizeof bytes - done);
    REQUIRE(n > 0);
  }
  EXPECT(an_pread(f, read, sizeof read, 0) == AN_FILE_TRANSFER);
  an_lseek(f, 0, AN_SEEK_SET);
  for (done = 0; (n = an_read(f, read + done, sizeof read - done)) > 0;) done += (size_t)n;
  EXPECT(n == 0 && done == sizeof read && memcmp(read, bytes, sizeof read) == 0);
  EXPECT(used(d, sizeof bytes, 1));
  (void)world;
  an_domainDestroy(d);
}

static void status(arena* world) {
  an_FileStat s = {sizeof s};
  an_Domain d = plain_domain();
  an_File f;
  EXPECT(put(d, "a", "12345") && an_mkdir(d, "dir") == AN_OK);
  EXPECT(an_stat(d, "a", &s) == AN_OK && s.size == sizeof s);
  EXPECT(s.type == AN_FILE_REGULAR && s.length == 5);
  EXPECT(s.modified_ns > (uint64_t)1600000000 * 1000000000);
  EXPECT(stat_of(d, "dir").type == AN_FILE_DIRECTORY && stat_of(d, "dir").length == 0);
  EXPECT(stat_of(d, ".").type == AN_FILE_DIRECTORY);
  f = an_open(NULL, d, "a", AN_O_WRONLY);
  EXPECT(an_pwrite(f, "x", 1, 9) == 1 && an_fstat(f, &s) == AN_OK && s.length == 10);
  EXPECT_STATUS(AN_ENOENT, an_stat(d, "b", &s));
  EXPECT_STATUS(AN_EINVAL, an_stat(d, "a/b", &s));
  EXPECT_STATUS(AN_EINVAL, an_stat(d, "a", NULL));
  s.size = 0;
  EXPECT_STATUS(AN_EINVAL, an_fstat(f, &s));
  s.size = offsetof(an_FileStat, length);
  s.length = 77;
  EXPECT(an_fstat(f, &s) == AN_OK && s.type == AN_FILE_REGULAR && s.length == 77);
  (void)world;
  an_domainDestroy(d);
}

static void directories(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(an_mkdir(d, "a") == AN_OK && an_mkdir(d, "a/b/") == AN_OK && put(d, "a/b/c", "deep"));
  EXPECT_STATUS(AN_EEXIST, an_mkdir(d, "a"));
  EXPECT_STATUS(AN_EEXIST, an_mkdir(d, "a/b/c"));
  EXPECT_STATUS(AN_ENOENT, an_mkdir(d, "x/y"));
  EXPECT_STATUS(AN_EINVAL, an_mkdir(d, "a/b/c/d"));
  EXPECT_STATUS(AN_EEXIST, an_rmdir(d, "a"));
  EXPECT_STATUS(AN_EINVAL, an_rmdir(d, "a/b/c"));
  EXPECT_STATUS(AN_ENOENT, an_rmdir(d, "x"));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", AN_O_RDONLY));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT));
  EXPECT_STATUS(AN_EINVAL, an_unlink(d, "a/b"));
  EXPECT(used(d, 4, 3));
  EXPECT(an_unlink(d, "a/b/c") == AN_OK && an_rmdir(d, "a/b") == AN_OK && an_rmdir(d, "a") == AN_OK);
  EXPECT(used(d, 0, 0) && !host_has(world, "a"));
  an_domainDestroy(d);
}

static void listed(arena* world) {
  an_DirEntry e = {sizeof e};
  char seen[3] = {0};
  int n = 0;
  an_Domain d = plain_domain();
  an_Dir dir;
  EXPECT(put(d, "a", "1") && an_mkdir(d, "b") == AN_OK && symlink("a", host(world, "c")) == 0);
  dir = an_opendir(NULL, d, ".");
  REQUIRE(dir != NULL);
  while (an_readdir(dir, &e) == AN_OK && n++ < 10) {
    if (strcmp(e.name, "a") == 0 && e.type == AN_FILE_REGULAR) seen[0]++;
    if (strcmp(e.name, "b") == 0 && e.type == AN_FILE_DIRECTORY) seen[1]++;
    if (strcmp(e.name, "c") == 0 && e.type == AN_FILE_OTHER) seen[2]++;
  }
  EXPECT(n == 3 && seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
  EXPECT_STATUS(AN_ENOENT, an_readdir(dir, &e));
  EXPECT_STATUS(AN_EINVAL, an_readdir(dir, NULL));
  e.size = 8;
  EXPECT_STATUS(AN_EINVAL, an_readdir(dir, &e));
  EXPECT(an_closedir(dir) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_readdir(dir, &e));
  EXPECT_STATUS(AN_EDEAD, an_closedir(dir));
  EXPECT_NULL(AN_EINVAL, an_opendir(NULL, d, "a"));
  EXPECT_NULL(AN_ENOENT, an_opendir(NULL, d, "x"));
  an_domainDestroy(d);
}

static void renamed(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(put(d, "a", "one") && put(d, "b", "number two") && an_mkdir(d, "dir") == AN_OK && used(d, 13, 3));
  EXPECT(an_rename(d, "a", "b") == AN_OK && get(d, "b", "one") && used(d, 3, 2)); /* in its place */
  EXPECT(an_rename(d, "b", "dir/c") == AN_OK && get(d, "dir/c", "one") && used(d, 3, 2));
  EXPECT(an_rename(d, "dir/c", "dir/c") == AN_OK && used(d, 3, 2));
  EXPECT_STATUS(AN_ENOENT, an_rename(d, "b", "x"));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, "dir", "dir/below"));
  EXPECT_STATUS(AN_EEXIST, an_rename(d, "dir/c", "dir"));
  EXPECT(put(d, "f", "") && an_mkdir(d, "g") == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_rename(d, "f", "g"));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, "g", "f"));
  EXPECT(an_unlink(d, "f") == AN_OK && an_rmdir(d, "g") == AN_OK && used(d, 3, 2));
  EXPECT(an_mkdir(d, "empty") == AN_OK && an_rename(d, "dir", "empty") == AN_OK);
  EXPECT(get(d, "empty/c", "one") && used(d, 3, 2));
  EXPECT(an_mkdir(d, "e") == AN_OK);
  EXPECT_STATUS(AN_EEXIST, an_rename(d, "e", "empty"));
  EXPECT(used(d, 3, 3));
  (void)world;
  an_domainDestroy(d);
}

static void arguments(arena* world) {
  an_FileStat s = {sizeof s};
  an_Domain d = plain_domain();
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, NULL, AN_O_RDONLY));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, "", AN_O_RDWR | AN_O_CREAT));
  EXPECT_NULL(AN_EINVAL, an_opendir(NULL, d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_stat(d, NULL, &s));
  EXPECT_STATUS(AN_EINVAL, an_mkdir(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_mkdir(d, ""));
  EXPECT_STATUS(AN_EINVAL, an_rmdir(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_unlink(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, NULL, "a"));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, "a", NULL));
  EXPECT_STATUS(AN_EINVAL, an_filesGetStats(d, NULL));
  EXPECT_NULL(AN_EINVAL, an_open(NULL, NULL, "a", AN_O_RDONLY));
  EXPECT_STATUS(AN_EINVAL, an_mkdir(NULL, "a"));
  (void)world;
  an_domainDestroy(d);
}

/* ---- Objects ---------------------------------------------------------------------- */

static void dead_and_forged(arena* world) {
  char byte;
  an_FileStat s = {sizeof s};
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  an_Dir dir = an_opendir(NULL, d, ".");
  EXPECT(an_close(f) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_close(f));
  EXPECT_FAILS(AN_EDEAD, an_read(f, &byte, 1));
  EXPECT_FAILS(AN_EDEAD, an_write(f, "x", 1));
  EXPECT_FAILS(AN_EDEAD, an_pread(f, &byte, 1, 0));
  EXPECT_FAILS(AN_EDEAD, an_pwrite(f, "x", 1, 0));
  EXPECT_FAILS(AN_EDEAD, an_lseek(f, 0, AN_SEEK_SET));
  EXPECT_STATUS(AN_EDEAD, an_ftruncate(f, 0));
  EXPECT_STATUS(AN_EDEAD, an_fsync(f));
  EXPECT_STATUS(AN_EDEAD, an_fstat(f, &s));
  EXPECT_STATUS(AN_EINVAL, an_close((an_File)(void*)dir));
  EXPECT_STATUS(AN_EINVAL, an_closedir((an_Dir)(void*)d));
  EXPECT_STATUS(AN_EINVAL, an_close(NULL));
  EXPECT_STATUS(AN_EINVAL, an_close((an_File)UINTPTR_MAX));
  EXPECT_FAILS(AN_EINVAL, an_read((an_File)(uintptr_t)0xdeadbeef, &byte, 1));
  (void)world;
  an_domainDestroy(d);
}

static void explicit_memory(arena* world) {
  an_Domain d = plain_domain();
  void* at = malloc(an_sizeof(AN_FILE));
  void* dir_at = malloc(an_sizeof(AN_DIR));
  an_File f;
  an_Dir dir;
  an_DirEntry e = {sizeof e};
  REQUIRE(an_sizeof(AN_FILE) > 0 && an_sizeof(AN_DIR) > 0);
  f = an_open(at, d, "a", AN_O_RDWR | AN_O_CREAT);
  dir = an_opendir(dir_at, d, ".");
  EXPECT(an_write(f, "text", 4) == 4 && an_readdir(dir, &e) == AN_OK && strcmp(e.name, "a") == 0);
  EXPECT(an_close(f) == AN_OK && an_closedir(dir) == AN_OK);
  memset(at, 0xff, an_sizeof(AN_FILE)); /* it is the caller's again */
  memset(dir_at, 0xff, an_sizeof(AN_DIR));
  f = an_open(at, d, "a", AN_O_RDONLY);
  EXPECT(f != NULL);
  an_domainDestroy(d); /* closes, and frees nothing of the caller's */
  memset(at, 0xff, an_sizeof(AN_FILE));
  d = plain_domain();
  EXPECT_NULL(AN_EINVAL, an_open((char*)at + 1, d, "a", AN_O_RDONLY));
  EXPECT(use(d).open == 0);
  free(at);
  free(dir_at);
  (void)world;
  an_domainDestroy(d);
}

static void closed_with_the_domain(arena* world) {
  char byte;
  an_Domain d = plain_domain(), other = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  an_Dir dir = an_opendir(NULL, d, ".");
  an_File still = an_open(NULL, other, "a", AN_O_RDONLY);
  EXPECT(an_write(f, "x", 1) == 1 && use(other).open == 3);
  an_domainDestroy(d);
  EXPECT_FAILS(AN_EDEAD, an_read(f, &byte, 1));
  EXPECT_STATUS(AN_EDEAD, an_closedir(dir));
  EXPECT_NULL(AN_EDEAD, an_open(NULL, d, "a", AN_O_RDONLY));
  EXPECT_STATUS(AN_EDEAD, an_mkdir(d, "b"));
  EXPECT(use(other).open == 1 && an_read(still, &byte, 1) == 1 && byte == 'x');
  (void)world;
  an_domainDestroy(other);
}

static void nameless_file_of_a_dead_domain(arena* world) {
  an_Domain d = plain_domain(), other = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  EXPECT(an_write(f, "12345", 5) == 5 && an_unlink(d, "a") == AN_OK && used(other, 5, 1));
  an_domainDestroy(d);
  EXPECT(used(other, 0, 0));
  (void)world;
  an_domainDestroy(other);
}

static void shared_by_domains(arena* world) {
  an_Domain one = plain_domain(), two = plain_domain();
  an_Domain child = an_domainCreate(NULL, one, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  EXPECT(put(one, "a", "text") && get(two, "a", "text") && get(child, "a", "text"));
  EXPECT(used(two, 4, 1) && used(child, 4, 1));
  EXPECT(an_unlink(child, "a") == AN_OK && used(one, 0, 0));
  (void)world;
  an_domainDestroy(one);
  an_domainDestroy(two);
}

typedef struct on_worker {
  an_Domain domain;
  an_File file;
  an_Dir dir;
  int ran, refused;
} on_worker;
static void refuse_unless_enosys(on_worker* w, int failed) {
  w->ran++;
  if (failed && an_errno() == AN_ENOSYS) w->refused++;
}
static void call_all(void* arg) {
  on_worker* w = (on_worker*)arg;
  char byte = 'x';
  an_FileStat s = {sizeof s};
  an_DirEntry e = {sizeof e};
  an_FilesStats u = {sizeof u};
  refuse_unless_enosys(w, an_open(NULL, w->domain, "b", AN_O_RDWR | AN_O_CREAT) == NULL);
  refuse_unless_enosys(w, an_opendir(NULL, w->domain, ".") == NULL);
  refuse_unless_enosys(w, an_read(w->file, &byte, 1) == -1);
  refuse_unless_enosys(w, an_write(w->file, &byte, 1) == -1);
  refuse_unless_enosys(w, an_pread(w->file, &byte, 1, 0) == -1);
  refuse_unless_enosys(w, an_pwrite(w->file, &byte, 1, 0) == -1);
  refuse_unless_enosys(w, an_lseek(w->file, 0, AN_SEEK_SET) == -1);
  refuse_unless_enosys(w, an_ftruncate(w->file, 0) != AN_OK);
  refuse_unless_enosys(w, an_fsync(w->file) != AN_OK);
  refuse_unless_enosys(w, an_fstat(w->file, &s) != AN_OK);
  refuse_unless_enosys(w, an_stat(w->domain, "a", &s) != AN_OK);
  refuse_unless_enosys(w, an_mkdir(w->domain, "dir") != AN_OK);
  refuse_unless_enosys(w, an_rmdir(w->domain, "dir") != AN_OK);
  refuse_unless_enosys(w, an_unlink(w->domain, "a") != AN_OK);
  refuse_unless_enosys(w, an_rename(w->domain, "a", "b") != AN_OK);
  refuse_unless_enosys(w, an_readdir(w->dir, &e) != AN_OK);
  refuse_unless_enosys(w, an_filesGetStats(w->domain, &u) != AN_OK);
  refuse_unless_enosys(w, an_close(w->file) != AN_OK);
  refuse_unless_enosys(w, an_closedir(w->dir) != AN_OK);
}
static void refused_on_the_worker(arena* world) {
  on_worker w = {0};
  w.domain = plain_domain();
  EXPECT(put(w.domain, "a", "text"));
  w.file = an_open(NULL, w.domain, "a", AN_O_RDWR);
  w.dir = an_opendir(NULL, w.domain, ".");
  REQUIRE(an_eventSchedule(NULL, w.domain, 1, 0, call_all, &w) != NULL);
  arena_advance(world, 1000);
  EXPECT(w.ran == 19 && w.refused == w.ran);
  EXPECT(get(w.domain, "a", "text") && used(w.domain, 4, 1) && use(w.domain).open == 2);
  an_domainDestroy(w.domain);
}
static void refused_elsewhere(arena* world) {
  on_worker w = {0};
  w.domain = plain_domain();
  w.file = an_open(NULL, w.domain, "a", AN_O_RDWR | AN_O_CREAT);
  w.dir = an_opendir(NULL, w.domain, ".");
  (void)world;
  arena_elsewhere(call_all, &w);
  EXPECT(w.ran == 19 && w.refused == w.ran && used(w.domain, 0, 1));
  an_domainDestroy(w.domain);
}

static void feature(arena* world) {
  uint64_t value = 0;
  (void)world;
  EXPECT(an_nodeInfo("files", &value) == AN_OK && value == 1);
}

/* ---- The root --------------------------------------------------------------------- */

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

/* ---- The quota -------------------------------------------------------------------- */

static void told(arena* world) {
  an_FilesStats s;
  an_Domain d = plain_domain();
  s = use(d);
  EXPECT(s.quota_bytes == ARENA_FILE_BYTES && s.quota_files == ARENA_FILES && s.quota_open == ARENA_OPEN);
  EXPECT(s.bytes == 0 && s.files == 0 && s.open == 0);
  s.size = offsetof(an_FilesStats, files);
  s.files = 99;
  EXPECT(an_filesGetStats(d, &s) == AN_OK && s.files == 99);
  s.size = 4;
  EXPECT_STATUS(AN_EINVAL, an_filesGetStats(d, &s));
  (void)world;
  an_domainDestroy(d);
}

/* A file of that length, by a hole. */
static int put_length(an_Domain d, const char* path, int64_t length) {
  an_File f = an_open(NULL, d, path, AN_O_WRONLY | AN_O_CREAT);
  const int status_of_it = f != NULL ? an_ftruncate(f, length) : an_errno();
  if (f != NULL) an_close(f);
  return status_of_it == AN_OK;
}

static void bytes_by_writing(arena* world) {
  static char bytes[AN_FILE_TRANSFER];
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  size_t i;
  for (i = 0; i < ARENA_FILE_BYTES / sizeof bytes; i++)
    EXPECT(an_write(f, bytes, sizeof bytes) == (int64_t)sizeof bytes);
  EXPECT(used(d, ARENA_FILE_BYTES, 1));
  EXPECT_FAILS(AN_ELIMIT, an_write(f, "x", 1));
  EXPECT_FAILS(AN_ELIMIT, an_pwrite(f, "xy", 2, ARENA_FILE_BYTES - 1)); /* all or nothing */
  EXPECT(used(d, ARENA_FILE_BYTES, 1) && stat_of(d, "a").length == ARENA_FILE_BYTES);
  EXPECT(an_pwrite(f, "over", 4, 100) == 4 && used(d, ARENA_FILE_BYTES, 1)); /* nothing grows */
  EXPECT(an_close(f) == AN_OK && put_length(d, "b", 0));
  f = an_open(NULL, d, "b", AN_O_WRONLY | AN_O_APPEND);
  EXPECT_FAILS(AN_ELIMIT, an_write(f, "x", 1));
  EXPECT(an_unlink(d, "a") == AN_OK && an_write(f, "x", 1) == 1 && used(d, 1, 1));
  (void)world;
  an_domainDestroy(d);
}

static void bytes_past_the_end(arena* world) {
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  char read[4] = "zzz";
  EXPECT_FAILS(AN_ELIMIT, an_pwrite(f, "x", 1, ARENA_FILE_BYTES));
  EXPECT_FAILS(AN_ELIMIT, an_pwrite(f, "x", 1, (int64_t)1 << 40));
  EXPECT(used(d, 0, 1));
  EXPECT(an_pwrite(f, "x", 1, ARENA_FILE_BYTES - 1) == 1 && used(d, ARENA_FILE_BYTES, 1)); /* a hole counts */
  EXPECT(an_pread(f, read, 3, 500) == 3 && read[0] == 0 && read[2] == 0);
  EXPECT(an_pwrite(f, "in the hole", 11, 500) == 11 && used(d, ARENA_FILE_BYTES, 1));
  EXPECT(an_ftruncate(f, 1) == AN_OK && used(d, 1, 1));
  EXPECT(an_lseek(f, 1000, AN_SEEK_SET) == 1000 && an_write(f, "y", 1) == 1 && used(d, 1001, 1));
  EXPECT(an_lseek(f, (int64_t)1 << 40, AN_SEEK_SET) > 0);
  EXPECT_FAILS(AN_ELIMIT, an_write(f, "y", 1));
  EXPECT(used(d, 1001, 1));
  (void)world;
  an_domainDestroy(d);
}

static void bytes_by_truncation(arena* world) {
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT);
  EXPECT(an_ftruncate(f, ARENA_FILE_BYTES) == AN_OK && used(d, ARENA_FILE_BYTES, 1));
  EXPECT_STATUS(AN_ELIMIT, an_ftruncate(f, ARENA_FILE_BYTES + 1));
  EXPECT_STATUS(AN_ELIMIT, an_ftruncate(f, INT64_MAX));
  EXPECT_STATUS(AN_EINVAL, an_ftruncate(f, -1));
  EXPECT(stat_of(d, "a").length == ARENA_FILE_BYTES);
  EXPECT(an_ftruncate(f, 1000) == AN_OK && used(d, 1000, 1));
  EXPECT(an_ftruncate(f, 1000) == AN_OK && used(d, 1000, 1));
  EXPECT(an_close(an_open(NULL, d, "a", AN_O_RDWR | AN_O_TRUNC)) == AN_OK && used(d, 0, 1));
  (void)world;
  an_domainDestroy(d);
}

static void bytes_by_unlinking(arena* world) {
  an_Domain d = plain_domain();
  an_File f, same;
  EXPECT(put_length(d, "a", 1000) && put_length(d, "b", 500) && used(d, 1500, 2));
  EXPECT(an_unlink(d, "b") == AN_OK && used(d, 1000, 1));
  EXPECT_STATUS(AN_ENOENT, an_unlink(d, "b"));
  f = an_open(NULL, d, "a", AN_O_RDWR);
  same = an_open(NULL, d, "a", AN_O_RDONLY);
  EXPECT(an_unlink(d, "a") == AN_OK && used(d, 1000, 1)); /* still there */
  EXPECT_FAILS(AN_ELIMIT, an_pwrite(f, "x", 1, ARENA_FILE_BYTES));
  EXPECT(an_ftruncate(f, 3000) == AN_OK && used(d, 3000, 1));
  EXPECT(put_length(d, "a", 10) && used(d, 3010, 2)); /* another of that name */
  EXPECT(an_close(f) == AN_OK && used(d, 3010, 2));
  EXPECT(an_close(same) == AN_OK && used(d, 10, 1));
  (void)world;
  an_domainDestroy(d);
}

static void bytes_by_renaming(arena* world) {
  an_Domain d = plain_domain();
  an_File f;
  EXPECT(put_length(d, "a", 1000) && put_length(d, "b", 500));
  f = an_open(NULL, d, "b", AN_O_RDWR);
  EXPECT(an_rename(d, "a", "b") == AN_OK && used(d, 1500, 2)); /* the other is still open */
  EXPECT(an_close(f) == AN_OK && used(d, 1000, 1));
  EXPECT(link(host(world, "b"), host(world, "c")) == 0);
  EXPECT(an_rename(d, "b", "c") == AN_OK && used(d, 1000, 1)); /* POSIX: both are the same file */
  EXPECT(an_unlink(d, "b") == AN_OK && used(d, 1000, 1));
  EXPECT(an_unlink(d, "c") == AN_OK && used(d, 0, 0));
  an_domainDestroy(d);
}

static void number_of_files(arena* world) {
  char name[32];
  int i;
  an_Domain d = plain_domain();
  for (i = 0; i < ARENA_FILES - 1; i++) {
    snprintf(name, sizeof name, "f%d", i);
    EXPECT(put_length(d, name, 0));
  }
  EXPECT(an_mkdir(d, "dir") == AN_OK && used(d, 0, ARENA_FILES));
  EXPECT_NULL(AN_ELIMIT, an_open(NULL, d, "new", AN_O_RDWR | AN_O_CREAT));
  EXPECT_NULL(AN_ELIMIT, an_open(NULL, d, "dir/new", AN_O_RDWR | AN_O_CREAT | AN_O_EXCL));
  EXPECT_STATUS(AN_ELIMIT, an_mkdir(d, "dir/new"));
  EXPECT(!host_has(world, "new") && !host_has(world, "dir/new") && used(d, 0, ARENA_FILES));
  EXPECT(put(d, "f0", "still mine")); /* what is there can be opened */
  EXPECT(an_rename(d, "f0", "dir/moved") == AN_OK && used(d, 10, ARENA_FILES));
  EXPECT_NULL(AN_ELIMIT, an_open(NULL, d, "f0", AN_O_RDWR | AN_O_CREAT));
  EXPECT(an_unlink(d, "dir/moved") == AN_OK && put_length(d, "f0", 0));
  EXPECT(an_unlink(d, "f0") == AN_OK && an_mkdir(d, "sub") == AN_OK && used(d, 0, ARENA_FILES));
  EXPECT(an_rmdir(d, "sub") == AN_OK && used(d, 0, ARENA_FILES - 1));
  an_domainDestroy(d);
}

/* A name can be made, unlinked while open, and made again: what is open counts. */
static void nameless_files_count(arena* world) {
  an_File open_files[ARENA_FILES];
  int i, n = 0;
  an_Domain d = plain_domain();
  for (i = 0; i < ARENA_FILES; i++) {
    open_files[n] = an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT | AN_O_EXCL);
    if (open_files[n] == NULL) break;
    n++;
    EXPECT(an_unlink(d, "a") == AN_OK);
  }
  EXPECT(an_errno() == AN_ELIMIT && n == ARENA_OPEN && used(d, 0, ARENA_OPEN));
  for (i = 0; i < n; i++) EXPECT(an_close(open_files[i]) == AN_OK);
  EXPECT(used(d, 0, 0));
  (void)world;
  an_domainDestroy(d);
}

static void open_at_once(arena* world) {
  int i;
  an_Domain d = plain_domain();
  an_File f = NULL;
  EXPECT(put(d, "a", "x"));
  for (i = 0; i < ARENA_OPEN; i++) {
    f = an_open(NULL, d, "a", AN_O_RDONLY);
    EXPECT(f != NULL);
  }
  EXPECT_NULL(AN_ELIMIT, an_open(NULL, d, "a", AN_O_RDONLY));
  EXPECT_NULL(AN_ELIMIT, an_open(NULL, d, "new", AN_O_RDWR | AN_O_CREAT));
  EXPECT_NULL(AN_ELIMIT, an_opendir(NULL, d, "."));
  EXPECT(!host_has(world, "new") && use(d).open == ARENA_OPEN);
  EXPECT(an_close(f) == AN_OK && an_closedir(an_opendir(NULL, d, ".")) == AN_OK);
  an_domainDestroy(d);
}

static void failures_take_nothing(arena* world) {
  an_Domain d = plain_domain();
  EXPECT(put(d, "a", "x") && an_mkdir(d, "dir") == AN_OK);
  EXPECT(an_open(NULL, d, "a/b", AN_O_RDWR | AN_O_CREAT) == NULL);
  EXPECT(an_open(NULL, d, "none/b", AN_O_RDWR | AN_O_CREAT) == NULL);
  EXPECT(an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT | AN_O_EXCL) == NULL);
  EXPECT(an_open(NULL, d, "dir", AN_O_RDWR | AN_O_CREAT) == NULL);
  EXPECT(an_mkdir(d, "dir") != AN_OK && an_mkdir(d, "none/dir") != AN_OK && an_mkdir(d, "a/dir") != AN_OK);
  EXPECT(an_rename(d, "none", "a") != AN_OK && an_rename(d, "dir", "a") != AN_OK);
  EXPECT(an_rmdir(d, "a") != AN_OK && an_unlink(d, "dir") != AN_OK && an_unlink(d, "none") != AN_OK);
  EXPECT(an_open((void*)(uintptr_t)1, d, "a", AN_O_RDWR) == NULL && an_errno() == AN_EINVAL);
  EXPECT(used(d, 1, 2) && use(d).open == 0);
  (void)world;
  an_domainDestroy(d);
}

const check file_checks[] = {
    {"file: written and read", written_and_read},
    {"file: reads and writes at offsets", at_offsets},
    {"file: places", places},
    {"file: flags", flags},
    {"file: appended", appended},
    {"file: large transfers go in pieces", large_transfers_go_in_pieces},
    {"file: status", status},
    {"file: directories", directories},
    {"file: a directory is listed", listed},
    {"file: renamed", renamed},
    {"file: wrong arguments", arguments},
    {"file: dead and forged handles", dead_and_forged},
    {"file: explicit memory", explicit_memory},
    {"file: closed with the domain", closed_with_the_domain},
    {"file: a nameless file goes with its domain", nameless_file_of_a_dead_domain},
    {"file: shared by domains", shared_by_domains},
    {"file: refused on the worker", refused_on_the_worker},
    {"file: refused on a strange thread", refused_elsewhere},
    {"file: the node has files", feature},
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
    {"file: the quota is told", told},
    {"file: quota of bytes, by writing", bytes_by_writing},
    {"file: quota of bytes, past the end", bytes_past_the_end},
    {"file: quota of bytes, by truncation", bytes_by_truncation},
    {"file: quota of bytes, by unlinking", bytes_by_unlinking},
    {"file: quota of bytes, by renaming", bytes_by_renaming},
    {"file: quota of files", number_of_files},
    {"file: nameless files count", nameless_files_count},
    {"file: how many are open at once", open_at_once},
    {"file: failures take nothing of the quota", failures_take_nothing},
    {NULL, NULL},
};
