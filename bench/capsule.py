# SPDX-License-Identifier: Apache-2.0
"""Capsules through a PAN node in memory: demux, environment, compiled program, send.

Each packet is a capsule whose code, one of 1, 16 or 1024 objects at random, reads the
destination and sends it on.  The capsule has 128 or 1500 bytes; not one of them is copied but
the 16 that the code is shown, and no memory is allocated (bench_capsule stops otherwise).

Peers, in the same run:
  channels              the same two channels, with nothing in between: the NodeOS's own share
  cut_through           frames of the same length on a fused IPv4 path (bench/cut_through.py)
  dpdk_l3fwd+rte_bpf    capsules in IPv4 through DPDK's l3fwd, evaluated by DPDK's rte_bpf
They take turns as in bench/cut_through.py, whose figure this is too: the 20th percentile.
"""
import contextlib
import importlib.util
import pathlib

ABOUT = "whole capsules in memory: ns per packet, beside cut-through and DPDK's l3fwd + rte_bpf"

SLICES = 120
PACKETS = 2048
IP_HEADERS = 14 + 20  # in front of the peers' capsules


def load_cut_through():
    path = pathlib.Path(__file__).with_name("cut_through.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cut_through = load_cut_through()


def cases():
    for length in (128, 1500):
        for objects in (1, 16, 1024):
            yield f"forward/{length}B/{objects}obj", length, objects, "jit"
    yield "forward/128B/1obj/interpreter", 128, 1, "interpreter"


def commands_of(programs, length, objects, engine):
    commands = {
        "weft": [programs / "bench_capsule", length, "2M", objects, PACKETS, engine],
        "channels": [programs / "bench_capsule", length, "2M", objects, PACKETS, "none"],
        "cut_through": [programs / "bench_cut_through", length, "2M", 16, 1, PACKETS, "fixed", "fused", 0],
    }
    if (programs / "dpdk_l3fwd").exists():
        # mbufs have room for 2048 bytes, and frames an MTU of 1500.
        frame = min(length + IP_HEADERS, 1514)
        commands["dpdk_l3fwd+rte_bpf"] = [programs / "dpdk_l3fwd", frame, "2M", 16, 1, PACKETS, "fixed", objects]
    return commands


def measure(commands):
    """Name -> (figure, slices kept)."""
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(cut_through.Forwarder(command)) for name, command in commands.items()}
        slices = {name: [] for name in commands}
        for number in range(SLICES):
            for name, forwarder in sorted(running.items(), reverse=number % 2 == 0):
                slices[name].append(forwarder.slice())
    return {name: cut_through.percentile_20(taken) for name, taken in slices.items()}


def run(programs, note):
    rows = []
    if not (programs / "dpdk_l3fwd").exists():
        note("the peer dpdk_l3fwd is missing: scripts/install_deps.sh bench, and build again")
    with cut_through.huge_pages(note) as huge:
        if not huge:
            raise RuntimeError("2 MB pages are needed")
        for name, length, objects, engine in cases():
            figures = measure(commands_of(programs, length, objects, engine))
            kept = ", ".join(f"{who} {kept} of {SLICES}" for who, (_, kept) in figures.items())
            note(f"{name}: " + ", ".join(f"{who} {ns}" for who, (ns, _) in figures.items()) + f"  (slices kept: {kept})")
            peers = {who: ns for who, (ns, _) in figures.items() if who != "weft"}
            peers.setdefault("dpdk_l3fwd+rte_bpf", None)
            rows.append({"case": name, "unit": "ns/packet", "weft": figures["weft"][0], "peers": peers})
    return rows
