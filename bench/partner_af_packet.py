# SPDX-License-Identifier: Apache-2.0
"""Two af_packet partners as a forwarder between two veths, beside a bare one.

    netns A -- veth -- netns R: the forwarder -- veth -- netns B

Sender and receiver are on one CPU, the forwarder on the other.  Each forwarder has such a
line of its own and sleeps while the other works; they take turns in short rounds, so
that what else the machine does hits both.  Load: CPU time of the forwarder for each
packet that came out (it never waits then, so on a CPU of its own this is also the time
that passes), the median of slices of 20 ms.  Round trips: their median.  Of both, the
median over all rounds.
"""
import contextlib
import functools
import itertools
import os
import statistics
import subprocess

ABOUT = "AF_PACKET through veths: ns per packet under load, and round trips"

ROUNDS = 40
SIZES = (64, 1400)
SECONDS = 0.12  # of load, a round
PINGS = 300  # a round
TRAFFIC_CPU, FORWARDER_CPU = 0, 1


@functools.cache
def on_cpu(number):
    """In front of a command: on this CPU, before all other programs where that is permitted."""
    pinned = ["taskset", "-c", str(number)]
    first = ["chrt", "--fifo", "1"]
    permitted = subprocess.run([*first, "true"], stderr=subprocess.DEVNULL).returncode == 0
    return pinned + first if permitted else pinned


# Where the forwarder sends to.  Not the hosts' own MACs, so that their kernels drop
# a packet before any work is spent on it; a packet socket sees it all the same.
HOST_MACS = ("02:00:00:00:91:02", "02:00:00:00:92:02")


def sh(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


class Line:
    """The three namespaces, for as long as a `with` lasts."""

    numbers = itertools.count()

    def __init__(self):
        tag = f"wb{os.getpid()}-{next(Line.numbers)}"
        self.a, self.r, self.b = (tag + end for end in "arb")

    def __enter__(self):
        try:
            for netns in (self.a, self.r, self.b):
                sh("ip", "netns", "add", netns)
                # Nothing but the traffic of the benchmark.
                sh("ip", "netns", "exec", netns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                   "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_forward=0")
            for host, near, far in ((self.a, "r0", "a0"), (self.b, "r1", "b0")):
                sh("ip", "-n", self.r, "link", "add", near, "type", "veth", "peer", "name", far, "netns", host)
                sh("ip", "-n", self.r, "link", "set", near, "up")
                sh("ip", "-n", host, "link", "set", far, "up")
            for near, net, mac in (("r0", 91, HOST_MACS[0]), ("r1", 92, HOST_MACS[1])):
                sh("ip", "-n", self.r, "addr", "add", f"10.{net}.0.1/24", "dev", near)
                sh("ip", "-n", self.r, "neigh", "add", f"10.{net}.0.2", "lladdr", mac, "dev", near, "nud", "permanent")
            self.macs = [sh("ip", "netns", "exec", self.r, "cat", f"/sys/class/net/{i}/address").strip()
                         for i in ("r0", "r1")]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for netns in (self.a, self.r, self.b):
            subprocess.run(["ip", "netns", "del", netns], stderr=subprocess.DEVNULL)


class Forwarder:
    """A program that forwards between r0 and r1 while a `with` lasts."""

    def __init__(self, line, command):
        self.command = ["ip", "netns", "exec", line.r, *on_cpu(FORWARDER_CPU), *map(str, command)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            self.__exit__()
            raise RuntimeError(f"{' '.join(self.command)} did not start")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def forwarders(programs):
    """Name -> its command.  Each rewrites the MACs and prints "ready" once it forwards."""
    return {
        "weft": [programs / "bench_af_packet_forward", "r0", "r1", *HOST_MACS],
        "bare": [programs / "bare_af_packet", "r0", "r1", *HOST_MACS],
    }


def traffic(line, programs, kind, size, *amounts):
    return sh(*on_cpu(TRAFFIC_CPU), programs / "bench_traffic", kind, line.a, "a0", line.b, "b0",
              ",".join(line.macs), str(size), *map(str, amounts))


def ns_per_packet(line, programs, size, forwarder):
    slices = []
    for text in traffic(line, programs, "flood", size, SECONDS, forwarder.process.pid).splitlines():
        packets, _, cpu_ns = map(int, text.split())
        if packets > 0:
            slices.append(cpu_ns / packets)
    return statistics.median(slices) if slices else None  # it was kept from running, or does not work


def rtt_us(line, programs, size):
    return statistics.median(map(int, traffic(line, programs, "ping", size, PINGS).split())) / 1000


def run(programs, note):
    samples = {}  # (case, unit) -> forwarder -> one number for each round
    with contextlib.ExitStack() as stack:
        lines = {}
        for name, command in forwarders(programs).items():
            line = stack.enter_context(Line())
            lines[name] = line, stack.enter_context(Forwarder(line, command))
        for number in range(ROUNDS):
            for size in SIZES:
                for name, (line, forwarder) in sorted(lines.items(), reverse=number % 2 == 0):
                    load = ns_per_packet(line, programs, size, forwarder)
                    trips = rtt_us(line, programs, size)
                    samples.setdefault((f"{size}B/ns", "ns/packet"), {}).setdefault(name, []).append(load)
                    samples.setdefault((f"{size}B/rtt_median_us", "us"), {}).setdefault(name, []).append(trips)
            if number % 10 == 9:
                note(f"round {number + 1} of {ROUNDS}")
    rows = []
    for (case, unit), by_name in samples.items():
        kept = {name: [v for v in values if v is not None] for name, values in by_name.items()}
        silent = [name for name, values in kept.items() if len(values) < ROUNDS / 2]
        if silent:
            raise RuntimeError(f"{case}: nothing came through {', '.join(silent)}")
        figures = {name: round(statistics.median(values), 2) for name, values in kept.items()}
        rows.append({"case": case, "unit": unit, "weft": figures.pop("weft"), "peers": figures})
    return rows
