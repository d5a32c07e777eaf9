# SPDX-License-Identifier: Apache-2.0
"""How soon what is killed is gone: the median of a series of kills, each measured from its kill -9.

To clean up after thousands of channels takes the node some 50 ms of a CPU, and on a machine that is busy with other
things it waits for it as long again.  So before each kill the test computes for a moment, and sees how long it was
let: where it had to wait, and the node took too long, the series is made again.  A node that is slow on a machine
that is not busy does not pass, nor does one on a machine that never is free.
"""

import os
import select
import signal
import statistics
import time

BACK_WITHIN = 0.1    # seconds from the kill of an EE until nothing of it is left in the node
COMPUTES = 0.02      # seconds of a CPU
BUSY = 1.3           # times as long as they would take alone
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


def crowding():
    """How many times as long as alone it takes to compute something."""
    begun, until = time.monotonic(), time.thread_time() + COMPUTES
    while time.thread_time() < until:
        pass
    return (time.monotonic() - begun) / COMPUTES


def milliseconds(times):
    return " ".join(f"{t * 1000:.1f}" for t in times)


def expect_gone_soon(test, name, live_and_die):
    """`live_and_die` makes one kill; returns how many seconds that took, and crowding() right before it."""
    for _ in range(SERIES):
        gone, crowded = zip(*(live_and_die() for _ in range(KILLS)))
        said = (f"{name}: gone in {milliseconds(gone)} ms, median {milliseconds([statistics.median(gone)])}; "
                f"computing took {' '.join(f'{c:.1f}' for c in crowded)} times as long as alone")
        print("  " + said, flush=True)
        if statistics.median(gone) < BACK_WITHIN:
            return
        test.assertGreaterEqual(statistics.median(crowded), BUSY, said)
        print("  this machine is busy with other things: once more", flush=True)
    test.fail(f"{name}: this machine was too busy to tell, {SERIES} times")
