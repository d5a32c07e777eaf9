/* SPDX-License-Identifier: Apache-2.0 */
/* Files: POSIX shape, and objects like others. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/conformance/file_check.h"

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
    {NULL, NULL},
};
