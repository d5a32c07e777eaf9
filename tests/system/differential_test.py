#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same packets through Linux forwarding and through Weft come out the same.

Two labs with the same addresses, routes and MACs; in one the kernel forwards, in the
other Weft.  Crafted packets (packets.py) go into both, and what comes out of every
link is compared byte for byte.  DELIBERATE lists every difference that is meant, with
its reason; any other fails.
"""

import os
import select
import socket
import sys
import time
import unittest

import lab as laboratory
import packets
from lab import Lab, Weftd

LINKS = (("in", 1, 1500), ("out", 2, 1500), ("small", 3, 1280))

# Name of a packet begins with -> why Weft and Linux may differ there.
DELIBERATE = {
}


class Side:
    """One lab: a router with three links, whose other ends are sockets of ours."""

    def __init__(self, lab, forwarder):
        self.router = lab.host(f"r-{forwarder}")
        self.peers = lab.host(f"p-{forwarder}")
        for setting in ("all", "default"):
            self.peers.sysctl(f"net.ipv6.conf.{setting}.disable_ipv6", 1)
            self.router.sysctl(f"net.ipv4.conf.{setting}.rp_filter", 0)
            self.router.sysctl(f"net.ipv4.conf.{setting}.send_redirects", 0)
        forwards = 1 if forwarder == "linux" else 0
        self.router.sysctl("net.ipv4.ip_forward", forwards)
        self.router.sysctl("net.ipv6.conf.all.forwarding", forwards)
        self.router.sysctl("net.ipv6.auto_flowlabels", 0)
        for name, value in (("ipv4.icmp_ratelimit", 0), ("ipv4.icmp_ratemask", 0), ("ipv6.icmp.ratelimit", 0),
                            ("ipv4.icmp_msgs_per_sec", 100000), ("ipv4.icmp_msgs_burst", 100000)):
            self.router.run("sysctl", "-qw", f"net.{name}={value}", check=False)
        self.sockets = {}
        for name, subnet, mtu in LINKS:
            self._link(lab, name, subnet, mtu)
        self._routes()
        if forwarder == "weft":
            self.weftd = Weftd(lab, self.router, "".join(
                f'[partner.{name}]\ndriver = "af_packet"\ndevice = "{name}"\n\n' for name, _, _ in LINKS))
        for name, _, _ in LINKS:
            self.sockets[name] = self.peers.packet_socket(name)

    def _link(self, lab, name, subnet, mtu):
        lab.link(self.peers, name, self.router, name)
        self.peers.up(name, mac=f"02:00:00:00:0{subnet}:02", mtu=mtu)
        self.peers.ip(f"link set {name} arp off")
        self.router.up(name, f"10.0.{subnet}.1/24", f"fd00:{subnet}::1/64", mac=f"02:00:00:00:0{subnet}:01", mtu=mtu)
        for address in (f"10.0.{subnet}.2", f"fd00:{subnet}::2"):
            self.router.ip(f"neighbour replace {address} lladdr 02:00:00:00:0{subnet}:02 dev {name} nud permanent")

    def _routes(self):
        for to, what in (("10.9.0.0/16", "via 10.0.2.2"), ("10.8.0.0/16", "via 10.0.3.2"), ("fd09::/16", "via fd00:2::2"),
                         ("fd08::/16", "via fd00:3::2")):
            self.router.ip(f"route add {to} {what}")
        for kind, four, six in (("blackhole", 66, 66), ("unreachable", 67, 67), ("prohibit", 68, 68)):
            self.router.ip(f"route add {kind} 10.{four}.0.0/16")
            self.router.ip(f"-6 route add {kind} fd{six}::/16")

    def send(self, frame):
        try:
            self.sockets["in"].send(frame)
        except OSError:
            pass  # shorter than an Ethernet header: neither side gets it

    def receive(self, want, patience):
        """What comes out until `want` packets are there and no more follow."""
        got = set()
        deadline = time.monotonic() + patience
        while True:
            wait = 0.0005 if len(got) >= want and want > 0 else deadline - time.monotonic()
            ready, _, _ = select.select(list(self.sockets.values()), [], [], max(0, wait))
            if not ready:
                return got
            for name, opened in self.sockets.items():
                if opened not in ready:
                    continue
                frame, address = opened.recvfrom(65536)
                if address[2] != socket.PACKET_OUTGOING and not is_noise(frame):
                    got.add((name, normalised(frame)))


def is_noise(frame):
    """What a kernel says by itself: ARP, neighbour discovery, multicast listeners."""
    kind = frame[12:14]
    if kind == b"\x08\x06":
        return True
    if kind != b"\x86\xdd" or len(frame) < 62:
        return False
    following, at = frame[20], 54
    if following == 0:
        following, at = frame[54], 54 + 8 * (frame[55] + 1)
    return following == 58 and len(frame) > at and (133 <= frame[at] <= 137 or 130 <= frame[at] <= 132 or frame[at] == 143)


def normalised(frame):
    """Without what the router chooses freely: the identification of its own packets."""
    if frame[12:14] == b"\x08\x00" and frame[26:29] in (b"\x0a\0\1", b"\x0a\0\2", b"\x0a\0\3") and frame[29:30] == b"\1":
        return frame[:18] + b"\0\0" + frame[20:24] + b"\0\0" + frame[26:]
    return frame


def describe(outputs):
    return "\n".join(f"      {name}: {frame.hex()}" for name, frame in sorted(outputs)) or "      nothing"


class Differential(unittest.TestCase):
    def test_linux_and_weft_agree(self):
        crafted = packets.all_packets(int(os.environ.get("SEED", "1")))
        self.assertGreaterEqual(len(crafted), 2000)
        with Lab() as lab:
            linux, weft = Side(lab, "linux"), Side(lab, "weft")
            time.sleep(1.5)
            for side in (linux, weft):
                side.send(packets.eth(packets.ip4(packets.udp(1))))
                side.receive(1, 2)
            differences, compared = {}, 0
            for name, frame in crafted:
                expected, got = self.through_both(linux, weft, frame)
                if got != expected:
                    expected, got = self.through_both(linux, weft, frame, patience=0.1)
                compared += 1
                if got != expected:
                    differences.setdefault(name, []).append((frame, expected, got))
            books = [p for p in weft.weftd.show("paths")["paths"]
                     if p["in"] + p["made"] != p["out"] + p["dropped"] + p["held"]]
            self.assertEqual(weft.weftd.stop(), 0, weft.weftd.log.read_text())
        unexplained = {n: d for n, d in differences.items() if not any(n.startswith(k) for k in DELIBERATE)}
        meant = sum(len(d) for n, d in differences.items() if n not in unexplained)
        print(f"{compared} packets compared; {meant} differ as meant, {sum(map(len, unexplained.values()))} otherwise")
        for name, cases in unexplained.items():
            frame, expected, got = cases[0]
            print(f"  {name} ({len(cases)}): {frame.hex()}\n    linux:\n{describe(expected)}\n    weft:\n{describe(got)}")
        self.assertEqual(books, [])
        self.assertFalse(unexplained)

    @staticmethod
    def through_both(linux, weft, frame, patience=0.006):
        linux.send(frame)
        weft.send(frame)
        expected = linux.receive(0, 0.0005)
        return expected, weft.receive(len(expected), patience)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    laboratory.main("__main__")
