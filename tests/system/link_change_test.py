#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's interfaces change under a running router: another MAC address, gone, made anew, another MTU."""

import re
import time
import unittest

import lab as laboratory
from lab import LEFT_AND_RIGHT, Lab, Weftd

ADDRESSES = ("10.0.2.2", "fd00:2::2")
OWN = ("10.0.2.1/24", "fd00:2::1/64")


class LinkChange(unittest.TestCase):
    """h1 - left r right - h2.  The kernel of r has the addresses."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.__exit__, None, None, None)
        self.h1, self.r, self.h2 = (self.lab.host(name) for name in ("h1", "r", "h2"))
        self.r.sysctl("net.ipv4.ip_forward", 0)
        self.lab.link(self.h1, "eth0", self.r, "left")
        self.h1.up("eth0", "10.0.1.2/24", "fd00:1::2/64")
        self.r.up("left", "10.0.1.1/24", "fd00:1::1/64")
        self.h1.ip("route add default via 10.0.1.1")
        self.h1.ip("-6 route add default via fd00:1::1")
        self.make_right()
        self.weftd = Weftd(self.lab, self.r, LEFT_AND_RIGHT)
        self.wait_for_both()

    def make_right(self):
        self.lab.link(self.h2, "eth0", self.r, "right")
        self.h2.up("eth0", "10.0.2.2/24", "fd00:2::2/64")
        self.r.up("right", *OWN)
        self.h2.ip("route add default via 10.0.2.1")
        self.h2.ip("-6 route add default via fd00:2::1")

    def wait_for_both(self):
        """Also for what a host's kernel does first after its link came up."""
        for address in ADDRESSES:
            answered = 0
            for _ in range(20):
                answered = self.answered(address, 5)
                if answered == 5:
                    break
            self.assertEqual(answered, 5, f"{address}: {self.weftd.log.read_text()}")

    def answered(self, address, count):
        out = self.h1.run("ping", f"-c{count}", "-i0.01", "-W0.5", address, check=False)
        return int(re.search(r"(\d+) received", out)[1])

    def right(self):
        return next(p for p in self.weftd.show("partner")["partners"] if p["partner"] == "right")

    def lost_for(self, reason):
        return sum(d["packets"] for d in self.weftd.show("drops")["drops"] if d["reason"] == reason)

    def tearDown(self):
        self.assertEqual(self.weftd.stop(), 0, self.weftd.log.read_text())

    def test_another_mac_address(self):
        """Frames to the new one are taken, by fused loop and by stages; frames to the old one are another's."""
        mac = "02:00:00:00:77:01"
        self.r.ip(f"link set right address {mac}")
        self.h2.ip("neighbour flush dev eth0")
        self.wait_for_both()
        for address in OWN:  # the node still takes what is for itself
            self.h2.run("ping", "-c1", "-W1", address.split("/")[0])
        self.h2.ip("neighbour replace 10.0.2.1 lladdr 02:00:00:00:77:02 dev eth0")
        self.assertEqual(self.answered("10.0.2.2", 2), 0)
        self.h2.ip(f"neighbour replace 10.0.2.1 lladdr {mac} dev eth0")
        self.assertEqual(self.answered("10.0.2.2", 2), 2)

    def test_gone_and_made_again(self):
        for _ in range(3):
            before = self.right()["rx_packets"]
            self.r.ip("link del right")
            self.wait_until(lambda: "interface right is gone" in self.weftd.log.read_text())
            self.assertFalse(self.right()["up"])
            self.assertEqual(self.answered("10.0.2.2", 2), 0)
            self.make_right()
            self.wait_for_both()
            self.assertTrue(self.right()["up"])
            self.assertGreater(self.right()["rx_packets"], before)
        self.assertEqual(self.weftd.log.read_text().count("right is there again"), 3)

    def test_another_interface_takes_no_name_that_lives(self):
        """A renamed interface stays the partner's; the one that has its name then is not looked at."""
        self.r.ip("link set right down")
        self.r.ip("link set right name east")
        self.r.ip("link set east up")
        for address in OWN[1:]:
            self.r.ip(f"address replace {address} dev east nodad")
        self.r.ip("link add right type veth peer name spare")
        self.r.ip("link set right up")
        self.wait_for_both()

    def wait_until(self, true):
        for _ in range(100):
            if true():
                return
            time.sleep(0.05)
        self.fail(self.weftd.log.read_text())


if __name__ == "__main__":
    laboratory.main("__main__")
