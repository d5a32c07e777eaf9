/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of files share. */
#ifndef WEFT_TESTS_CONFORMANCE_FILE_CHECK_H
#define WEFT_TESTS_CONFORMANCE_FILE_CHECK_H

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/conformance/check.h"

/* A place in the host: beneath the root of the files, or, by "../", beside it. */
static inline const char* host(arena* world, const char* path) {
  static char at[4][4200];
  static unsigned turn;
  char* here = at[turn++ % 4];
  snprintf(here, sizeof at[0], "%s/%s", arena_files(world), path);
  return here;
}
static inline void host_write(arena* world, const char* path, const char* text) {
  FILE* file = fopen(host(world, path), "w");
  EXPECT(file != NULL);
  if (file == NULL) return;
  fputs(text, file);
  fclose(file);
}
static inline int host_holds(arena* world, const char* path, const char* text) {
  char read[256] = "";
  FILE* file = fopen(host(world, path), "r");
  if (file == NULL) return 0;
  read[fread(read, 1, sizeof read - 1, file)] = '\0';
  fclose(file);
  return strcmp(read, text) == 0;
}
static inline int host_has(arena* world, const char* path) {
  struct stat what;
  return lstat(host(world, path), &what) == 0;
}
/* How many entries a directory of the host has. */
static inline size_t host_count(arena* world, const char* path) {
  size_t n = 0;
  const struct dirent* e;
  DIR* dir = opendir(host(world, path));
  if (dir == NULL) return 0;
  while ((e = readdir(dir)) != NULL) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  closedir(dir);
  return n;
}

static inline an_FilesStats use(an_Domain d) {
  an_FilesStats s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  EXPECT(an_filesGetStats(d, &s) == AN_OK);
  return s;
}
static inline int used(an_Domain d, uint64_t bytes, uint64_t files) {
  const an_FilesStats s = use(d);
  if (s.bytes == bytes && s.files == files) return 1;
  printf("  %lu bytes and %lu files are used\n", (unsigned long)s.bytes, (unsigned long)s.files);
  return 0;
}

static inline int put(an_Domain d, const char* path, const char* text) {
  an_File f = an_open(NULL, d, path, AN_O_WRONLY | AN_O_CREAT | AN_O_TRUNC);
  const size_t n = strlen(text);
  return f != NULL && an_write(f, text, n) == (int64_t)n && an_close(f) == AN_OK;
}
static inline int get(an_Domain d, const char* path, const char* text) {
  char read[256];
  an_File f = an_open(NULL, d, path, AN_O_RDONLY);
  const int64_t n = f != NULL ? an_read(f, read, sizeof read) : -1;
  if (f != NULL) an_close(f);
  return n == (int64_t)strlen(text) && memcmp(read, text, (size_t)n) == 0;
}
static inline an_FileStat stat_of(an_Domain d, const char* path) {
  an_FileStat s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  an_stat(d, path, &s);
  return s;
}
#define EXPECT_FAILS(status, call) EXPECT((call) == -1 && an_errno() == (status) && *an_errtext() != '\0')

#endif /* WEFT_TESTS_CONFORMANCE_FILE_CHECK_H */
