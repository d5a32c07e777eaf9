#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shows Weft at work, prints what went through, and leaves nothing behind.

Where network namespaces may be made: host - weft router - host, with the hosts' own
ping, curl and iperf3.  Who is not root makes them in a user namespace, where that is
permitted.  Otherwise, or with --user: only the three nodes in user space.
"""

import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))

import lab as laboratory
import namespaces
import report
import user_space
from report import say

# Root in a user namespace of one's own; `ip netns` keeps its names below /run.
OWN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c",
                  'mount -t tmpfs tmpfs /run && exec "$@"', "sh"]
INSIDE = "--inside"  # what a demonstration is called with that runs there


def leave_cleanly_when_told():
    """So that leaving by a signal cleans up as leaving by the end does."""
    def leave(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def enter_own_namespaces():
    """Runs this program again where it may make a network; returns if that cannot be."""
    this = [sys.executable, __file__]
    try:
        tried = subprocess.run(OWN_NAMESPACES + this + ["--probe"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return
    if tried.returncode == 0:
        os.execvp(OWN_NAMESPACES[0], OWN_NAMESPACES + this + [INSIDE])


def say_how_to_go_on():
    say("To go on")
    print("  build/release/bin/weftd --check --config FILE   checks a config of yours (docs/config.md)")
    print("  build/release/bin/weftd --config FILE           runs it; docs/start.md puts it on your interfaces")
    print("  build/release/bin/weft show run                 what a running weftd does (docs/observe.md)")
    print("  ./test.sh                                       all tests")


def main():
    leave_cleanly_when_told()
    option = sys.argv[1] if len(sys.argv) > 1 else ""
    reason = laboratory.why_not() if option != "--user" else "as asked for"
    if option == "--probe":
        return 0 if reason is None else 1
    if reason is not None and option not in ("--user", INSIDE):
        enter_own_namespaces()
    if option == INSIDE:
        print("Not root: the network is made in a user namespace of your own.", flush=True)
    if reason is None:
        with laboratory.Lab() as lab:
            namespaces.show(lab)
            user_space.show(lab.host("nodes").command)
    else:
        print(f"No router between hosts is shown: {reason}.", flush=True)
        user_space.show()
    say_how_to_go_on()
    return report.failures() > 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # ./run.sh | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
