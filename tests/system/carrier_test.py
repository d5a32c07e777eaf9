#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Active pings between two nodes, by every protocol that carries capsules."""

import unittest

import lab as laboratory
from lab import Lab, Weftd

CONFIG = """
[node]
kernel_routes = false

[partner.far]
driver = "udp"
local = "127.0.0.1:400{own}"
remote = "127.0.0.1:400{other}"
address = ["10.0.9.{own}/30", "fd00:9::{own}/64"]

[pan]
address = "10.99.0.{own}"

[[pan.neighbour]]
address = "10.99.0.{other}"
carrier = "{carrier}"
"""


class Carriers(unittest.TestCase):
    def test_capsules_go_there_and_back(self):
        # Attributes speak of what comes in: from the other node.
        for carrier in ("far/pan",
                        "far/ip/pan (src=10.0.9.{other})",
                        "far/ip/udp/pan (src=10.0.9.{other}, srcport=3322, dstport=3322)",
                        "far/ip6/pan (src=fd00:9::{other})",
                        "far/ip6/udp/pan (src=fd00:9::{other}, srcport=3322, dstport=3322)"):
            with self.subTest(carrier), Lab() as lab:
                host = lab.host("h")
                host.ip("link set lo up")
                nodes = [Weftd(lab, host, CONFIG.format(own=own, other=3 - own, carrier=carrier.format(other=3 - own)),
                               name=f"node{own}") for own in (1, 2)]
                said = nodes[0].weft("ping", "10.99.0.2", "-c", "5", "-i", "0.05", "--json", check=False)
                self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
                path = next(p for p in nodes[1].show("paths")["paths"] if p["path"] == carrier.format(other=1))
                self.assertGreaterEqual(path["in"], 5)
                for node in nodes:
                    self.assertEqual(node.stop(), 0, node.log.read_text())


if __name__ == "__main__":
    laboratory.main("__main__")
