# SPDX-License-Identifier: Apache-2.0
"""How soon what is killed is gone: the median of a series of kills, each measured from its kill -9.

A machine that is busy with other things lets processes wait for a CPU to die on.  So beside each kill a plain
process that computes is killed, too: where the median of these takes long, it is the machine, and the series is
made again.  A node that is slow on a machine that is not does not pass, nor does one on a machine that never is free.
"""

import os
import select
import signal
import statistics
import subprocess
import sys
import time

BACK_WITHIN = 0.1    # seconds from the kill of an EE until nothing of it is left in the node
PLAIN_WITHIN = 0.02  # seconds from the kill of a plain process until it is dead, where there is a CPU for it
KILLS = 5            # of a series
SERIES = 4           # at most


def seconds_to_die(pid):
    """The process is killed."""
    pidfd = os.pidfd_open(pid)
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    select.select([pidfd], [], [], 10)
    dead = time.monotonic()
    os.close(pidfd)
    return dead - killed


def plain_death():
    with subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"],
                          stdout=subprocess.PIPE) as plain:
        plain.stdout.readline()
        time.sleep(0.02)
        return seconds_to_die(plain.pid)


def milliseconds(times):
    return " ".join(f"{t * 1000:.1f}" for t in times)


def expect_gone_soon(test, name, live_and_die):
    """`live_and_die` makes one kill; returns how many seconds it and plain_death() took, that right before it."""
    for _ in range(SERIES):
        gone, plain = zip(*(live_and_die() for _ in range(KILLS)))
        said = (f"{name}: gone in {milliseconds(gone)} ms, median {milliseconds([statistics.median(gone)])}; "
                f"a plain process in {milliseconds(plain)}")
        print("  " + said, flush=True)
        if statistics.median(gone) < BACK_WITHIN:
            return
        test.assertGreaterEqual(statistics.median(plain), PLAIN_WITHIN, said)
        print("  this machine is busy with other things: once more", flush=True)
    test.fail(f"{name}: this machine was too busy to tell, {SERIES} times")
