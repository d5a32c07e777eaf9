# SPDX-License-Identifier: Apache-2.0
"""Three nodes in user space over UDP on loopback; no privilege is needed.

    file -> left === middle === right -> file        (=== a UDP tunnel)

The outer nodes only join a pcap file to a tunnel; the middle one is weftd's default
config, a router.
"""

import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

import captures
from packets import ip4
from report import say, step, what_went_through
from weftd import Weftd

PACKETS = 2000
PAUSE_US = 100

OUTER = """
[node]
name = "{name}"
kernel_routes = false
pool_packets = 4096

[partner.tunnel]
driver = "udp"
local = "127.0.0.1:{local}"
remote = "127.0.0.1:{remote}"

[partner.file]
driver = "pcap"
link = "raw"
{file}

[[joint]]
a = "file"
b = "tunnel"
"""


ACTIVE = """
[node]
name = "{name}"
kernel_routes = false
pool_packets = 4096

[partner.tunnel]
driver = "udp"
local = "127.0.0.1:{local}"
remote = "127.0.0.1:{remote}"

[pan]
address = "{address}"

[[pan.neighbour]]
address = "10.99.0.2"
carrier = "tunnel/pan"

[[pan.route]]
to = "default"
via = "10.99.0.2"
"""


def packet(number, ttl=64):
    """An IPv4 packet from the left link to the right one, with UDP inside."""
    return ip4(struct.pack("!HHHHQ", 4000, 7, 16, 0, number), src="10.99.1.2", dst="10.99.2.2", ttl=ttl, proto=17,
               ident=number & 0xFFFF)


class Nodes:
    """The weftds that were started; all are ended on the way out.

    `enter` makes of a command one that runs in another network namespace."""

    def __init__(self, enter):
        self.enter = enter
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-demo-"))
        self.running = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, config=None):
        try:
            self.running[name] = Weftd(self.folder, config, name, start=lambda command, **options: subprocess.Popen(
                self.enter(*command), **options))
        except RuntimeError as reason:
            raise SystemExit(str(reason).rstrip("\n"))

    def stop(self, name):
        self.running.pop(name).stop()

    def weft(self, name, *words):
        return self.running[name].weft(*words, check=False)

    def show(self, name, what):
        return self.running[name].show(what)


def send_through(nodes):
    captures.write(nodes.folder / "in.pcap", captures.RAW, ((n * PAUSE_US, packet(n)) for n in range(PACKETS)))
    nodes.start("middle")
    nodes.start("right", OUTER.format(name="right", local=4103, remote=4102,
                                      file=f'write = "{nodes.folder}/out.pcap"'))
    nodes.start("left", OUTER.format(name="left", local=4100, remote=4101,
                                     file=f'read = "{nodes.folder}/in.pcap"\ntimed = true'))
    sent = 0
    for _ in range(100):
        time.sleep(0.05)
        before, sent = sent, sum(path["in"] for path in nodes.show("middle", "paths")["paths"])
        if sent == PACKETS or (sent == before and sent > 0):
            break


def ping_through(nodes):
    """Active pings from left to right: two nodes out, two back."""
    nodes.start("left", ACTIVE.format(name="left", local=4100, remote=4101, address="10.99.0.1"))
    nodes.start("right", ACTIVE.format(name="right", local=4103, remote=4102, address="10.99.0.3"))
    done = nodes.weft("left", "ping", "10.99.0.3", "-c", "10", "-i", "0.05")
    lines = (done.stdout + done.stderr).strip().splitlines()
    step("active pings through three nodes", lines[-1], done.returncode == 0 and "10 answered" in lines[-1])


def show(enter=lambda *command: command):
    say("Three nodes in user space: a file, through a router, over UDP tunnels into a file")
    with Nodes(enter) as nodes:
        send_through(nodes)
        run, drops = nodes.show("middle", "run"), nodes.show("middle", "drops")
        nodes.stop("right")
        came = [data for _, data in captures.read(nodes.folder / "out.pcap")]
        expected = [packet(n)[28:] for n in range(PACKETS)]
        whole = [p[28:] for p in came] == expected and all(p[8] == 63 for p in came)
        how = "all whole, in order, TTL lowered" if whole else "not all as they were sent"
        step(f"{PACKETS} packets through them", f"{len(came)} came, {how}", whole)
        what_went_through(run, drops)
        nodes.stop("left")
        say("Active pings through the three nodes (weft ping, weft show pan)")
        ping_through(nodes)
        what_went_through(nodes.show("left", "run"), nodes.show("left", "drops"))
        capsules = nodes.show("middle", "pan")["capsules"]
        print("  capsules in the middle: " + ", ".join(f"{what} {number}" for what, number in capsules.items()))
