# SPDX-License-Identifier: Apache-2.0
"""What the demonstration prints."""

import os
import sys

_failures = 0


def failures():
    """How many steps did not show what they should."""
    return _failures


def colour(code, text):
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    return f"\033[{code}m{text}\033[0m" if wanted else text


def say(text):
    print("\n" + colour(1, f"== {text}"), flush=True)


def step(what, result, good):
    global _failures
    _failures += not good
    mark = colour(32, "ok    ") if good else colour(31, "FAILED")
    print(f"  {mark} {what:<34} {result}", flush=True)


def table(header, rows):
    """Columns as wide as they need; numbers to the right."""
    cells = [header] + [[str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    right = [not isinstance(value, str) for value in rows[0]]
    for number, row in enumerate(cells):
        line = "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)).rstrip()
        print("  " + (colour(1, line) if number == 0 else line))


def what_went_through(run, drops):
    """One row for each path that was used, from `weft show run` and `show drops`, and
    what was dropped outside of paths."""
    reasons = {}
    for drop in drops["drops"]:
        reasons.setdefault(drop["at"], []).append(f"{drop['reason']} {drop['packets']}")
    rows = []
    for path in run["paths"]:
        dropped = ", ".join(reasons.pop(path["path"], []))
        if path["in"] + path["made"] == 0:
            continue
        rows.append([path["path"], path["in"], path["in_bytes"], round(path["cycles_per_packet"] or 0), dropped or "none"])
    if rows:
        table(["path", "packets", "bytes", "cycles/packet", "dropped"], rows)
    else:
        print("  nothing")
    for place, dropped in reasons.items():
        print(f"  dropped at {place}: {', '.join(dropped)}")
