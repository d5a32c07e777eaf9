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

int main(int argc, char** argv) {
  const check* const tables[] = {
      domain_checks,  channel_checks, demuxkey_checks, credential_checks, netspec_checks, sending_checks,
      suspend_checks, ending_checks,  packet_checks,   event_checks,      node_checks,    attach_checks,
      memory_checks,  heap_checks,    thread_checks,   sync_checks,       file_checks};
  size_t i, count = 0;
  for (i = 0; i < sizeof tables / sizeof *tables; i++) {
    const check* c;
    for (c = tables[i]; c->name != NULL; c++) {
      if (argc > 1 && strstr(c->name, argv[1]) == NULL) continue;
      run(c, tables[i] == file_checks ? "files" : c->needs);
      count++;
    }
  }
  printf("%lu checks, %d skipped, %d failures\n", (unsigned long)count, skipped, failures);
  return failures != 0 || count == 0;
}
