#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A weftd that has nothing to do does nothing, and is there at once when it is needed."""

import os
import pathlib
import re
import time
import unittest

import lab as laboratory
from lab import Lab, Weftd

SECONDS = 5
MOST = 0.01  # of a core

CONFIG = """
[partner.left]
driver = "af_packet"
device = "left"

[partner.right]
driver = "tap"
device = "wtap0"
address = ["10.0.2.1/24"]

[partner.far]
driver = "udp"
local = "127.0.0.1:4000"
remote = "127.0.0.1:4001"

[partner.record]
driver = "pcap"
write = "{folder}/record.pcap"
link = "raw"

[partner.wire-a]
driver = "loop"
wire = "slow"
address = ["fd00:9::1/64"]

[partner.wire-b]
driver = "loop"
wire = "slow"

[wire.slow]
delay_us = 2000

[pan]
address = "10.99.0.1"

[[pan.neighbour]]
address = "10.99.0.2"
carrier = "far/pan"
"""


def cpu_seconds(pid):
    """User and system time of all its threads (proc(5), fields 14 and 15)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Idle(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.__exit__, None, None, None)
        self.h1, self.router = self.lab.host("h1"), self.lab.host("router")
        self.lab.link(self.h1, "eth0", self.router, "left")
        self.h1.up("eth0", "10.0.1.2/24")
        self.router.up("left", "10.0.1.1/24")
        self.router.sysctl("net.ipv4.ip_forward", 0)
        self.h1.ip("route add default via 10.0.1.1")
        self.weftd = Weftd(self.lab, self.router, CONFIG.format(folder=self.lab.folder))
        self.router.ip("address add 10.0.2.2/24 dev wtap0")
        self.ping(1)  # neighbours are found

    def ping(self, count):
        out = self.h1.run("ping", f"-c{count}", "-i0.02", "-W3", "10.0.2.1")
        self.assertIn(f" {count} received", out)
        return float(re.search(r"= [\d.]+/([\d.]+)/", out).group(1))

    def test_sleeps_and_wakes(self):
        self.assertEqual(pathlib.Path(f"/proc/{self.weftd.process.pid}/comm").read_text(), "weftd\n")
        time.sleep(2)  # what setting up has caused is over
        before, sleeps = cpu_seconds(self.weftd.process.pid), self.weftd.show("run")["worker"]["sleeps"]
        time.sleep(SECONDS)
        used = cpu_seconds(self.weftd.process.pid) - before
        sleeps = self.weftd.show("run")["worker"]["sleeps"] - sleeps
        print(f"  {used / SECONDS:.2%} of a core, {sleeps / SECONDS:.1f} wake-ups per second", flush=True)
        self.assertLess(used / SECONDS, MOST)
        self.assertLess(sleeps / SECONDS, 20)
        first, rest = self.ping(1), self.ping(20)
        print(f"  the first ping after that took {first} ms, later ones {rest} ms", flush=True)
        self.assertLess(first, 20)
        self.assertLess(rest, 5)
        self.assertEqual(self.weftd.stop(), 0)


if __name__ == "__main__":
    laboratory.main("__main__")
