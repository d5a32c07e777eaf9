#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shows Weft at work, prints what went through, and leaves nothing behind.

Where network namespaces may be made: host - weft router - host, with the hosts' own
ping, curl and iperf3.  Otherwise, or with --user: three nodes in user space.
"""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))

import lab as laboratory
import namespaces
import user_space
from report import say


def main():
    # So that leaving by a signal cleans up as leaving by the end does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    reason = "asked for" if "--user" in sys.argv[1:] else laboratory.why_not()
    if reason is None:
        namespaces.show()
    else:
        say(f"Three nodes in user space over UDP on loopback ({reason})")
    user_space.show()
    say("To go on")
    print("  build/release/bin/weftd --check --config FILE   checks a config of yours (docs/config.md)")
    print("  build/release/bin/weftd --config FILE           runs it; docs/start.md puts it on your interfaces")
    print("  build/release/bin/weft show run                 what a running weftd does (docs/observe.md)")
    print("  ./test.sh                                       all tests")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
