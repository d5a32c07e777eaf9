#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three EEs in processes of their own, with traffic through all of them at once; one is killed at
full load, and the others lose nothing."""

import time
import unittest

import lab as laboratory
from closed_loop import Loop
from lab import Lab, Weftd
from promptness import crowding, expect_gone_soon, seconds_to_die
from weftd import BIN

CODE = BIN.parent / "share/weft/code"

# An echo on `lan`, a NAT between `inside` and `outside`, capsules from `far` and from another node.
CONFIG = f"""
[node]
kernel_routes = false
default_paths = false
pool_packets = 8192
pages = "4K"

[partner.lan]
driver = "tap"
device = "lan"
link = "raw"
address = ["10.1.0.1/24"]

[partner.inside]
driver = "tap"
device = "inside"
link = "raw"

[partner.outside]
driver = "tap"
device = "outside"
link = "raw"

[partner.far]
driver = "udp"
local = "10.3.0.1:4000"
remote = "10.3.0.2:4000"

[partner.node]
driver = "udp"
local = "10.3.0.1:4001"
remote = "10.3.0.2:4001"

[ee.echo]
exec = ["{BIN}/echo_ee", "lan/ip/udp", "(src=10.1.0.2, srcport=4000, dstport=7)"]

[ee.nat]
exec = ["{BIN}/nat_ee", "inside", "outside", "192.0.2.1"]

[ee.capsules]
exec = ["{BIN}/pan_ee", "address 10.99.0.1", "neighbour 10.99.0.2 node/pan", "neighbour 10.99.0.9 far/pan",
        "code {CODE}"]
read = ["{CODE}"]
"""

# The other active node, in its own namespace; its PAN lives in weftd.
OTHER_NODE = """
[node]
kernel_routes = false
pool_packets = 1024
pages = "4K"
[partner.r]
driver = "udp"
local = "10.3.0.2:4001"
remote = "10.3.0.1:4001"
[pan]
address = "10.99.0.2"
[[pan.neighbour]]
address = "10.99.0.1"
carrier = "r/pan"
"""

EES = {"echo": ["echo"], "nat": ["nat-udp", "nat-tcp"], "capsules": ["capsules"]}  # and the flows through them


class SideBySide(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.__exit__, None, None, None)
        self.r, self.p, self.client, self.inner, self.server = map(self.lab.host, ("r", "p", "c", "i", "s"))
        self.lab.link(self.r, "eth0", self.p, "eth0")
        self.r.up("eth0", "10.3.0.1/24")
        self.p.up("eth0", "10.3.0.2/24")
        self.weftd = Weftd(self.lab, self.r, CONFIG, control_groups=True)
        for host, device, address in ((self.client, "lan", "10.1.0.2/24"), (self.inner, "inside", "10.2.0.2/24"),
                                      (self.server, "outside", "198.51.100.7/24")):
            self.r.ip(f"link set {device} netns {host.netns}")
            host.up(device, address)
        self.inner.ip("route add default dev inside")
        self.server.ip("route add 192.0.2.1 dev outside")
        self.other = Weftd(self.lab, self.p, OTHER_NODE, name="other")
        self.admin = self.weftd.admin()
        self.wait_for(lambda: all(self.channels(ee) for ee in EES))
        self.start_flows()

    def start_flows(self):
        Loop(self.server, "serve", "198.51.100.7:5000")
        self.flows = {
            "echo": Loop(self.client, "udp", "10.1.0.2:4000", "10.1.0.1:7"),
            "nat-udp": Loop(self.inner, "udp", "10.2.0.2:4000", "198.51.100.7:5000"),
            "nat-tcp": Loop(self.inner, "tcp", "10.2.0.2:4001", "198.51.100.7:5000"),
            "capsules": Loop(self.p, "capsule", "10.3.0.2:4000", "10.3.0.1:4000", CODE / "ping.pco", "10.99.0.9",
                             "10.99.0.1"),
        }

    # --- what the node says of its EEs

    def wait_for(self, what, seconds=15):
        deadline = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), deadline, self.weftd.log.read_text())
            time.sleep(0.01)

    def pid(self, name):
        return int(self.admin.ee(name)["place"].removeprefix("process "))

    def rows(self, what, ee):
        return [row for row in self.admin.show(what)[what] if row["ee"] == ee]

    def channels(self, ee):
        return [row["path"] for row in self.rows("channels", ee)]

    def open_paths(self):
        return sorted(path["path"] for path in self.admin.show("paths")["paths"])

    # --- the traffic

    def go(self, seconds):
        for flow in self.flows.values():
            flow.go()
        time.sleep(seconds)

    def rest(self):
        said = {name: flow.rest() for name, flow in self.flows.items()}
        print(" ", *(f"{name} {s['sent']} sent, {s['lost']} lost;" for name, s in said.items()))
        return said

    def expect_whole(self, said, names):
        for name in names:
            self.assertEqual((said[name]["lost"], said[name]["twice"]), (0, 0), f"{name}: {said}")
            self.assertEqual(said[name]["sent"], said[name]["back"], f"{name}: {said}")
            self.assertGreater(said[name]["back"], 0, f"{name}: {said}")

    def expect_balance(self):
        """In all paths, those that were closed too, and in the pool."""
        self.wait_for(lambda: self.admin.show("pools")["pools"][0]["in_use"] == self.at_rest)
        sums = self.admin.show("paths")["totals"]
        self.assertEqual(sums["in"] + sums["made"], sums["out"] + sums["dropped"] + sums["held"], sums)
        self.assertEqual(sums["held"], 0, sums)
        for row in self.admin.show("domains")["domains"]:
            self.assertEqual(row["received"] + row["made"], row["sent"] + row["dropped"] + row["held"], row)
            self.assertEqual(row["held"], 0, row)

    # --- what must hold

    def kill(self, name):
        """Returns how many seconds after its kill -9 nothing of it was left in the node, which is when it
        begins to wait for its next start."""
        pid, starts = self.pid(name), self.admin.ee(name)["starts"]
        killed = time.monotonic()
        dead = seconds_to_die(pid)
        while (now := self.admin.ee(name))["state"] == "running" and now["starts"] == starts:
            self.assertLess(time.monotonic() - killed, 10, f"{name} is still there")
            time.sleep(0.001)
        gone = time.monotonic() - killed
        left = self.rows("domains", name) + self.rows("channels", name)
        if self.admin.ee(name)["state"] == "waiting":
            self.assertEqual(left, [])
        print(f"  {name}: dead in {dead * 1000:.1f} ms, gone in {gone * 1000:.1f} ms")
        return gone

    def expect_new_life(self, name, before):
        self.wait_for(lambda: self.admin.ee(name)["starts"] == before["starts"] + 1)
        self.assertEqual(self.admin.ee(name)["last_end"], "killed by SIGKILL")
        self.wait_for(lambda: self.open_paths() == before["paths"])

    def test_one_dies_and_the_others_lose_nothing(self):
        self.at_rest = self.admin.show("pools")["pools"][0]["in_use"]
        self.go(1)
        self.expect_whole(self.rest(), self.flows)
        self.expect_balance()
        for name in EES:
            with self.subTest(killed=name):
                expect_gone_soon(self, name, lambda killed=name: self.live_and_die(killed))
        self.expect_pings()
        self.end()

    def live_and_die(self, name):
        """The EE is killed at full load.  The others lose nothing, and it comes back.  Returns in how
        many seconds it was gone, and how crowded the CPUs were."""
        before = {"paths": self.open_paths(), **self.admin.ee(name)}
        self.go(0.5)
        crowded, gone = crowding(), self.kill(name)
        time.sleep(0.5)
        said = self.rest()
        self.expect_whole(said, [flow for flow in self.flows if flow not in EES[name]])
        self.expect_new_life(name, before)
        self.go(0.5)
        self.expect_whole(self.rest(), self.flows)
        self.expect_balance()
        return gone, crowded

    def expect_pings(self):
        """Between two active nodes, one in weftd and one in its own process."""
        said = self.other.weft("ping", "10.99.0.1", "-c", "20", "-i", "0.02")
        self.assertIn("20 pings, 20 answered", said.stdout)

    def end(self):
        """Nothing is missing from the pool, or from the books; weftd says so by its exit code."""
        for node in (self.other, self.weftd):
            self.assertEqual(node.stop(), 0, node.log.read_text())
        self.assertNotIn("do not agree", self.weftd.log.read_text())


if __name__ == "__main__":
    laboratory.main("__main__")
