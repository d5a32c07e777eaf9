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
They take turns; each value is the lowest of the turns, each of which is the 20th percentile of
its slices.
"""
import subprocess

ABOUT = "Snow: round trip and one way to an EE in another process, beside a bare ring and a socket"

TURNS = 3
CASES = [("rtt/64B/spin", "rtt", 64), ("oneway/64B/vec", "oneway", 64), ("oneway/1500B/vec", "oneway", 1500)]


def output(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def turn(programs, what, length):
    return {
        "weft": float(output(programs / "bench_snow_node", length, programs / "bench_snow", what, length)),
        "shm_ring": float(output(programs / "snow_peers", "ring", what, length)),
        "unix_socket": float(output(programs / "snow_peers", "socket", what, length)),
    }


def run(programs, note):
    rows = []
    for name, what, length in CASES:
        turns = [turn(programs, what, length) for _ in range(TURNS)]
        best = {who: min(t[who] for t in turns) for who in turns[0]}
        note(f"{name}: " + ", ".join(f"{who} {ns}" for who, ns in best.items()))
        rows.append({"case": name, "unit": "ns", "weft": best.pop("weft"), "peers": best})
    turns = [[float(word) for word in output(programs / "bench_snow_inprocess").split()] for _ in range(TURNS)]
    rows.append({"case": "inprocess/64B/vec", "unit": "ns", "weft": min(t[0] for t in turns),
                 "peers": {"path": min(t[1] for t in turns)}})
    return rows
