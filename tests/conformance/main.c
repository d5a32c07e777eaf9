/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite: what every node that offers an.h must do.  Each check gets a
 * node of its own, and every packet must be back when it ends.
 *
 *   conformance            all checks
 *   conformance WORD       those whose name holds WORD
 */
#include <stdio.h>

#include "tests/conformance/check.h"

static int failures, skipped;

void check_failed(const char* file, int line, const char* expression) {
  const char* name = strrchr(file, '/');
  printf("  %s:%d: %s   (%s: %s)\n", name != NULL ? name + 1 : file, line, expression,
         an_statusName(an_errno()), an_errtext());
  failures++;
}

static void run(const check* c, const char* needs) {
  size_t missing;
  const int before = failures;
  arena* world = arena_start();
  if (world == NULL) {
    printf("not ok  %s: the node does not start\n", c->name);
    failures++;
    return;
  }
  if (needs != NULL && !offers(needs)) {
    printf("skipped %s: this node does not offer \"%s\"\n", c->name, needs);
    skipped++;
    arena_stop(world);
    return;
  }
  c->run(world);
  missing = arena_stop(world);
  if (missing != 0) {
    printf("  %lu packets are not back in the pool\n", (unsigned long)missing);
    failures++;
  }
  printf("%s  %s\n", failures == before ? "ok    " : "not ok", c->name);
}

static const struct {
  const check* checks;
  const char* needs; /* as of a check, by all of them */
} tables[] = {
    {domain_checks, NULL},     {channel_checks, NULL},      {demuxkey_checks, NULL},
    {credential_checks, NULL}, {netspec_checks, NULL},      {sending_checks, NULL},
    {suspend_checks, NULL},    {ending_checks, NULL},       {packet_checks, NULL},
    {null_checks, NULL},       {event_checks, NULL},        {node_checks, NULL},
    {attach_checks, NULL},     {memory_checks, NULL},       {heap_checks, NULL},
    {thread_checks, NULL},     {thread_pool_checks, NULL},  {sync_checks, NULL},
    {file_checks, "files"},    {file_root_checks, "files"}, {file_quota_checks, "files"},
#ifdef WEFT_OVER_SNOW
    {snow_checks, NULL},
#endif
};

int main(int argc, char** argv) {
  size_t i, count = 0;
  for (i = 0; i < sizeof tables / sizeof *tables; i++) {
    const check* c;
    for (c = tables[i].checks; c->name != NULL; c++) {
      if (argc > 1 && strstr(c->name, argv[1]) == NULL) continue;
      run(c, tables[i].needs != NULL ? tables[i].needs : c->needs);
      count++;
    }
  }
  printf("%lu checks, %d skipped, %d failures\n", (unsigned long)count, skipped, failures);
  return failures != 0 || count == 0;
}
