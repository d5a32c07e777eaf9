/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libweft-snow-main: the main() of an EE in a process of its own.
 *
 * Joins the node that started the process, calls an_eeInit in a domain, serves what the
 * node has to say, and at SIGTERM calls an_eeExit and leaves.
 *
 * Exit status: 0 it was asked to end; 1 it could not begin, or the node is gone; 2 its
 * domain was ended.
 */
#include <nodeos_api/an_ee.h>
#include <nodeos_api/an_snow.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

/* An EE need not have one. */
#pragma weak an_eeExit

struct ee {
  int argc;
  const char* const* argv;
  int ended;
};

static int init(an_Domain self, void* arg) {
  const struct ee* const ee = arg;
  const int status = an_eeInit(self, ee->argc, ee->argv);
  if (status != AN_OK) {
    if (an_errno() == status) {
      fprintf(stderr, "an_eeInit refused: %s\n", an_errtext());
    } else {
      fprintf(stderr, "an_eeInit refused: %s (%d)\n", an_statusName(status), status);
    }
  }
  return status;
}

static void terminated(an_Domain ended, an_TermReason reason, void* arg) {
  (void)ended;
  (void)reason;
  ((struct ee*)arg)->ended = 1;
}

/* Blocked before any thread is there, so that all leave it to this descriptor. */
static int take_signals(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Until it is asked to end, or has ended.  The exit status. */
static int serve(const struct ee* ee, int signals) {
  for (;;) {
    struct pollfd wait[] = {{.fd = an_snowFd(), .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    if (ee->ended) return 2;
    if (poll(wait, 2, -1) < 0) continue; /* interrupted */
    if (wait[1].revents != 0) return 0;
    if (wait[0].revents != 0 && an_snowRun(0) != AN_OK) {
      fprintf(stderr, "%s\n", an_errtext());
      return 1;
    }
  }
}

int main(int argc, char** argv) {
  const char* const name = getenv("WEFT_EE");
  struct ee ee = {argc, (const char* const*)argv, 0};
  const int signals = take_signals();
  an_Domain domain;
  int status;
  if (name != NULL && argc > 0) argv[0] = (char*)name;
  if (signals < 0 || an_snowConnect(NULL) != AN_OK) {
    fprintf(stderr, "cannot join the node: %s\n", an_errtext());
    return 1;
  }
  domain = an_domainCreate(NULL, NULL, NULL, NULL, NULL, init, &ee, terminated, &ee);
  if (domain == NULL) {
    fprintf(stderr, "no domain: %s\n", an_errtext());
    return 1;
  }
  status = serve(&ee, signals);
  if (status == 0 && an_eeExit != NULL) an_eeExit(domain);
  an_snowDisconnect();
  return status;
}
