# SPDX-License-Identifier: Apache-2.0
"""What the demonstration prints."""


def say(text):
    print(f"\n== {text}", flush=True)


def step(what, result):
    print(f"  {what:<34} {result}", flush=True)


def table(header, rows):
    """Columns as wide as they need; numbers to the right."""
    cells = [header] + [[str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for number, row in enumerate(cells):
        right = [number > 0 and not isinstance(rows[0][i], str) for i in range(len(header))]
        print("  " + "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)).rstrip())


def what_went_through(run, drops):
    """One row for each path that was used, from `weft show run` and `show drops`."""
    reasons = {}
    for drop in drops["drops"]:
        reasons.setdefault(drop["at"], []).append(f"{drop['reason']} {drop['packets']}")
    rows = []
    for path in run["paths"]:
        if path["in"] + path["made"] == 0:
            continue
        cycles = path["cycles_per_packet"]
        rows.append([path["path"], path["in"], path["in_bytes"], round(cycles) if cycles else 0,
                     ", ".join(reasons.get(path["path"], [])) or "none"])
    if rows:
        table(["path", "packets", "bytes", "cycles/packet", "dropped"], rows)
    else:
        print("  nothing")
