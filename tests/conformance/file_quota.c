/* SPDX-License-Identifier: Apache-2.0 */
/* Files: a quota that stays true. */
#include <unistd.h>

#include "tests/conformance/file_check.h"

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

const check file_quota_checks[] = {
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
