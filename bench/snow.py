# SPDX-License-Identifier: Apache-2.0
"""Packets between the node and an EE in another process, and in its own.

rtt     a packet goes from a deliver function to a port of the node that gives it back, and
        returns: four queues, two paths, two copies.  Both sides spin.
oneway  vectors come from a port of the node to a deliver function that frees them.
inprocess  vectors to a deliver function in the node's process; its peer is the path without a
        channel.

Peers, in the same run, on the same two CPUs:
  shm_ring      a bare ring in shared memory, copied in and out, both sides spin; told of a message
                by the faster way for each case (peers/snow_peers.cc)
  unix_socket   a SOCK_SEQPACKET pair: send and recv, or vectors by sendmmsg and recvmmsg
They take turns, and so do the cases, so that a time in which the machine is slow meets all; each
value is the lowest of the turns, each of which is the 20th percentile of its slices.
"""
import subprocess
from functools import partial

ABOUT = "Snow: round trip and one way to an EE in another process, beside a bare ring and a socket"

TURNS = 5
CASES = [("rtt/64B/spin", "rtt", 64), ("oneway/64B/vec", "oneway", 64), ("oneway/1500B/vec", "oneway", 1500)]


def output(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def turn(programs, what, length):
    return {
        "weft": float(output(programs / "bench_snow_node", length, programs / "bench_snow", what, length)),
        "shm_ring": float(output(programs / "snow_peers", "ring", what, length)),
        "unix_socket": float(output(programs / "snow_peers", "socket", what, length)),
    }


def turn_inprocess(programs):
    channel, path = output(programs / "bench_snow_inprocess").split()
    return {"weft": float(channel), "path": float(path)}


def run(programs, note):
    cases = {name: partial(turn, programs, what, length) for name, what, length in CASES}
    cases["inprocess/64B/vec"] = partial(turn_inprocess, programs)
    turns = [{name: take() for name, take in cases.items()} for _ in range(TURNS)]
    rows = []
    for name in cases:
        best = {who: min(t[name][who] for t in turns) for who in turns[0][name]}
        note(f"{name}: " + ", ".join(f"{who} {ns}" for who, ns in best.items()))
        rows.append({"case": name, "unit": "ns", "weft": best.pop("weft"), "peers": best})
    return rows
