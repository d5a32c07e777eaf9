# SPDX-License-Identifier: Apache-2.0
"""IPv4 forwarding in memory, beside DPDK's rte_lpm in the manner of its l3fwd.

Both do the same to the same frames (ip4_frames.h): header checks with the checksum,
longest prefix match, TTL, checksum, both MAC addresses, and grouping by out port.

Each case starts one program a side, on one CPU; they take turns in slices of 0.5 ms.
Beside each slice a piece of work of known size is timed: slices in which that was slow,
since a sibling thread or the hypervisor had the CPU, are left out.  The figure is the
20th percentile of what remains, of Weft and peer alike.
"""
import contextlib
import os
import pathlib
import statistics
import subprocess

ABOUT = "IPv4 forwarding in memory: ns per packet, beside DPDK's l3fwd"

SLICES = 120
CPU = 1
SLOW = 1.05  # times the calibration's tenth percentile
HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
WANTED_PAGES = 160  # of 2 MB: DPDK's table takes 64 MB of them

FEW, MANY = 2048, 16384  # packets that take turns


class Case:
    def __init__(self, name, frame=64, pages="2M", routes=16, paths=1, packets=FEW, fresh=False, fused=True, shapes=0):
        self.name = name
        self.of_traffic = [frame, pages, routes, paths, packets, "fresh" if fresh else "fixed"]
        self.of_weft = ["fused" if fused else "unfused", shapes]


def cases():
    for pages in ("2M", "4K"):
        for frame in (64, 1500):
            yield Case(f"fused/{frame}B/{pages}/16routes", frame, pages)
    yield Case("fused/64B/2M/10000routes", routes=10_000)
    yield Case("fused/64B/2M/1000000routes", routes=1_000_000, packets=MANY)
    yield Case("fused/64B/2M/1000000routes/fresh", routes=1_000_000, packets=MANY, fresh=True)
    yield Case("fused/64B/2M/16routes/16paths", paths=16)
    yield Case("fused/64B/2M/16routes/2shapes", shapes=2)
    yield Case("fused/64B/2M/16routes/16paths/2shapes", paths=16, shapes=2)
    yield Case("fused/64B/4K/16routes/16paths/2shapes", pages="4K", paths=16, shapes=2)
    for paths in (1, 16):
        of_paths = "" if paths == 1 else f"/{paths}paths"
        yield Case(f"unfused/64B/2M/16routes{of_paths}", paths=paths, fused=False)
        yield Case(f"unfused/1500B/2M/16routes{of_paths}", 1500, paths=paths, fused=False)
    yield Case("unfused/64B/2M/16routes/16paths/2shapes", paths=16, fused=False, shapes=2)


@contextlib.contextmanager
def huge_pages(note):
    """As many 2 MB pages as both sides need, for as long as this lasts."""
    before = int(HUGE_PAGES.read_text())
    try:
        if before < WANTED_PAGES:
            HUGE_PAGES.write_text(str(WANTED_PAGES))
    except OSError:
        note("not root: no 2 MB pages, so the cases that need them are left out")
    try:
        yield int(HUGE_PAGES.read_text()) >= WANTED_PAGES
    finally:
        if before < WANTED_PAGES and os.access(HUGE_PAGES, os.W_OK):
            HUGE_PAGES.write_text(str(before))


class Forwarder:
    """A program that forwards a slice's worth for each line that it is sent: on one CPU, and
    before all other programs where that is permitted."""

    def __init__(self, command):
        self.command = ["taskset", "-c", str(CPU % os.cpu_count()), *map(str, command)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if self.process.stdout.readline().strip() != "ready":
            self.__exit__()
            raise RuntimeError(f"{' '.join(self.command)} did not start")
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(self.process.pid, os.SCHED_FIFO, os.sched_param(1))
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def slice(self):
        """(ns per packet, cycles of the calibration)"""
        self.process.stdin.write("\n")
        ns, calibration = self.process.stdout.readline().split()
        return float(ns), int(calibration)


def percentile_20(slices):
    """The figure, and how many slices it is of."""
    calibrations = sorted(calibration for _, calibration in slices)
    usual = calibrations[len(calibrations) // 10]
    kept = [ns for ns, calibration in slices if calibration <= usual * SLOW]
    return round(statistics.quantiles(kept, n=5)[0], 2), len(kept)


def measure(case, programs):
    """Name -> (figure, slices kept)."""
    commands = {"weft": [programs / "bench_cut_through", *case.of_traffic, *case.of_weft]}
    if (programs / "dpdk_l3fwd").exists():
        commands["dpdk_l3fwd"] = [programs / "dpdk_l3fwd", *case.of_traffic]
    with contextlib.ExitStack() as stack:
        forwarders = {name: stack.enter_context(Forwarder(command)) for name, command in commands.items()}
        slices = {name: [] for name in commands}
        for number in range(SLICES):
            for name, forwarder in sorted(forwarders.items(), reverse=number % 2 == 0):
                slices[name].append(forwarder.slice())
    return {name: percentile_20(taken) for name, taken in slices.items()}


def run(programs, note):
    rows = []
    if not (programs / "dpdk_l3fwd").exists():
        note("the peer dpdk_l3fwd is missing: scripts/install_deps.sh bench, and build again")
    with huge_pages(note) as huge:
        for case in cases():
            if "2M" in case.of_traffic and not huge:
                continue
            figures = measure(case, programs)
            kept = ", ".join(f"{name} {kept} of {SLICES}" for name, (_, kept) in figures.items())
            note(f"{case.name}: " + ", ".join(f"{name} {ns}" for name, (ns, _) in figures.items()) + f"  (slices kept: {kept})")
            peers = {name: ns for name, (ns, _) in figures.items() if name != "weft"}
            rows.append({"case": case.name, "unit": "ns/packet", "weft": figures["weft"][0],
                         "peers": peers or {"dpdk_l3fwd": None}})
    return rows
