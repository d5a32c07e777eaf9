#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same packets through Linux forwarding and through Weft come out the same.

Three labs with the same addresses, routes and MACs.  In one the kernel forwards, in one
Weft, and in one a Weft whose paths are all being captured, so that nothing is fused and
every packet goes the complete path.  Crafted packets (packets.py) go into all, one at a
time, and what comes out of every link is compared byte for byte and in order.

The two Wefts must agree.  Linux and Weft may differ where differences.py says so, in the
way that it says; any other difference fails, and so does one that no packet shows.
"""

import collections
import os
import select
import socket
import subprocess
import sys
import time
import unittest

import differences as deliberate
import lab as laboratory
import packets
from lab import Lab, Weftd
from outcome import Offered, is_noise, normalised
from weftd import BIN, ROOT

LINKS = (("in", 1, 1500), ("out", 2, 1500), ("small", 3, 1280))
BURST = 32
LONGER = ((0.1, 0.015), (0.6, 0.2), (2, 1))  # how long to wait for what comes out, in all and for more, in seconds
SEED = int(os.environ.get("SEED", "1"))


class Side:
    """One lab: a router with three links, whose other ends are sockets of ours."""

    def __init__(self, lab, name):
        self.router = lab.host(f"r-{name}")
        self.peers = lab.host(f"p-{name}")
        for setting in ("all", "default"):
            self.peers.sysctl(f"net.ipv6.conf.{setting}.disable_ipv6", 1)
            self.router.sysctl(f"net.ipv4.conf.{setting}.rp_filter", 0)
            self.router.sysctl(f"net.ipv4.conf.{setting}.send_redirects", 0)
        forwards = 1 if name == "linux" else 0
        self.router.sysctl("net.ipv4.ip_forward", forwards)
        self.router.sysctl("net.ipv6.conf.all.forwarding", forwards)
        self.router.sysctl("net.ipv6.auto_flowlabels", 0)
        for setting, value in (("ipv4.icmp_ratelimit", 0), ("ipv4.icmp_ratemask", 0), ("ipv6.icmp.ratelimit", 0),
                               ("ipv4.icmp_msgs_per_sec", 100000), ("ipv4.icmp_msgs_burst", 100000)):
            self.router.run("sysctl", "-qw", f"net.{setting}={value}", check=False)
        self.sockets = {}
        for link, subnet, mtu in LINKS:
            self._link(lab, link, subnet, mtu)
        self._routes()
        self.weftd = None
        if name != "linux":
            self.weftd = Weftd(lab, self.router, "".join(
                f'[partner.{link}]\ndriver = "af_packet"\ndevice = "{link}"\n\n' for link, _, _ in LINKS), name)
        if name == "complete":
            self._capture(lab)
        for link, _, _ in LINKS:
            self.sockets[link] = self.peers.packet_socket(link)

    def _link(self, lab, name, subnet, mtu):
        lab.link(self.peers, name, self.router, name)
        self.peers.up(name, mac=f"02:00:00:00:0{subnet}:02", mtu=mtu)
        self.peers.ip(f"link set {name} arp off")
        self.router.up(name, f"10.0.{subnet}.1/24", f"fd00:{subnet}::1/64", mac=f"02:00:00:00:0{subnet}:01", mtu=mtu)
        # Linux takes 10.0.x.0 and fe80::9 for hosts that it can forward to; it need not ask for them.
        for address in (f"10.0.{subnet}.0", f"10.0.{subnet}.2", f"fd00:{subnet}::2", "fe80::9"):
            self.router.ip(f"neighbour replace {address} lladdr 02:00:00:00:0{subnet}:02 dev {name} nud permanent")

    def _routes(self):
        for to, what in (("10.9.0.0/16", "via 10.0.2.2"), ("10.8.0.0/16", "via 10.0.3.2"), ("10.7.0.0/16", "via 10.0.1.2"),
                         ("fd09::/16", "via fd00:2::2"), ("fd08::/16", "via fd00:3::2")):
            self.router.ip(f"route add {to} {what}")
        for kind, four, six in (("blackhole", 66, 66), ("unreachable", 67, 67), ("prohibit", 68, 68)):
            self.router.ip(f"route add {kind} 10.{four}.0.0/16")
            self.router.ip(f"-6 route add {kind} fd{six}::/16")

    def _capture(self, lab):
        """Hangs a tap on every path from "in" that forwards; that undoes fusion."""
        for n, path in enumerate(p["path"] for p in self.forwarding()):
            file = lab.folder / f"complete-{n}.pcapng"
            self.router.processes.append(subprocess.Popen(
                [BIN / "weft", "--socket", self.weftd.socket, "capture", f"{path}@near", "-w", file],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 5
        while any(p["transform"] for p in self.forwarding()):
            if time.monotonic() > deadline:
                raise RuntimeError("a path that is captured is still fused")
            time.sleep(0.02)

    def forwarding(self):
        return [p for p in self.weftd.show("run")["paths"] if p["path"].startswith("in/") and "->" in p["path"]]

    def send(self, frame):
        try:
            self.sockets["in"].send(frame)
        except OSError:
            pass  # shorter than an Ethernet header: no side gets it

    def close(self):
        for opened in self.sockets.values():
            opened.close()


def by_flow(outputs):
    """Outputs by link, addresses and protocol, each in order; errors of the router in any order, for it
    is not alone in making them."""
    flows = collections.defaultdict(list)
    for link, frame in outputs:
        at = frame[14:]
        flow = at[8:40] + at[6:7] if frame[12:14] == b"\x86\xdd" else at[12:20] + at[9:10]
        flows[link, flow].append(frame)
    own = [b"\x0a\0" + bytes([n, 1]) for n in (1, 2, 3)]
    six = [bytes([0xFD, 0, 0, n]) + bytes(11) + b"\1" for n in (1, 2, 3)]
    return {key: sorted(frames) if key[1][:4] in own or key[1][:16] in six else frames for key, frames in flows.items()}


class Sides:
    def __init__(self, *sides):
        self.sides = sides
        self.places = {opened: (n, link) for n, side in enumerate(sides) for link, opened in side.sockets.items()}

    def send(self, frame):
        for side in self.sides:
            side.send(frame)

    def receive(self, patience, enough=lambda outputs: False, quiet=0.0007):
        """What comes out of each side until `patience` seconds have passed, or `enough` says so and
        nothing more has come for `quiet` seconds.  One list of (link, frame) for each side, by link and
        in order."""
        outputs = [[] for _ in self.sides]
        deadline = time.monotonic() + patience
        while True:
            wait = max(0, deadline - time.monotonic())
            ready, _, _ = select.select(list(self.places), [], [], min(wait, quiet) if enough(outputs) else wait)
            if not ready:
                break
            for opened in ready:
                frame, address = opened.recvfrom(65536)
                if address[2] != socket.PACKET_OUTGOING and not is_noise(frame):
                    n, link = self.places[opened]
                    outputs[n].append((link, normalised(frame)))
        return [sorted(o, key=lambda output: output[0]) for o in outputs]

    def through_all(self, frame, patience=0.006, **timing):
        self.send(frame)
        return self.receive(patience, lambda o: len(o[0]) > 0 and all(len(x) >= len(o[0]) for x in o), **timing)


class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        try:
            cls.all = Sides(*(Side(cls.lab, name) for name in ("linux", "fused", "complete")))
            time.sleep(1.5)
            for _ in range(3):
                cls.all.send(packets.eth(packets.ip4(packets.udp(1))))
            cls.all.receive(1)
        except BaseException:
            cls.lab.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        for side in cls.all.sides:
            side.close()
        cls.lab.__exit__()

    def test_linux_and_weft_agree(self):
        crafted = packets.all_packets(SEED)
        self.assertGreaterEqual(len(crafted), 2000)
        uses, unexplained, paths_differ, again = collections.Counter(), {}, {}, 0
        for name, frame in crafted:
            offered = Offered(frame)
            outputs = self.all.through_all(frame)
            meant = self.judge(offered, *outputs)
            for patience, quiet in LONGER:
                if meant == []:
                    break
                # A machine that is busy may have been late; a difference is there every time.
                self.all.receive(10 * quiet, lambda _: True, quiet=3 * quiet)
                again += 1
                outputs = self.all.through_all(frame, patience, quiet=quiet)
                meant = self.judge(offered, *outputs)
                if meant is not None:
                    break
            linux, fused, complete = outputs
            if fused != complete:
                paths_differ.setdefault(name, []).append((frame, fused, complete))
            elif meant is None:
                unexplained.setdefault(name, []).append((frame, linux, fused))
            else:
                uses.update(d.title for d in meant)
        print(f"{len(crafted)} packets; {sum(uses.values())} differ as meant, {sum(map(len, unexplained.values()))} "
              f"otherwise, {sum(map(len, paths_differ.values()))} between fused and complete; {again} sent again")
        for title, n in uses.most_common():
            print(f"  {n:5} {title}")
        self.report(unexplained, "linux", "weft")
        self.report(paths_differ, "fused", "complete")
        self.assertEqual((sorted(unexplained), sorted(paths_differ)), ([], []))
        self.assertEqual([d.title for d in deliberate.DELIBERATE if not uses[d.title] and not d.depends_on_kernel], [])
        self.check_books()

    @staticmethod
    def judge(offered, linux, fused, complete):
        """The differences that explain what came out, none when there is none; None when nothing does."""
        if fused != complete:
            return None
        said = offered.names(linux)
        if linux == fused and not deliberate.kernel_complains(offered, said):
            return []
        return [d for d in deliberate.DELIBERATE if d.explains(offered, said, offered.names(fused))] or None

    def test_many_at_once(self):
        """Packets that come together are treated as each alone, and leave in order: what stands beside
        a packet in a vector is nothing to it."""
        crafted = [frame for _, frame in packets.all_packets(SEED)]
        _, *wefts = self.all.sides
        sides = Sides(*wefts)
        for first in range(0, len(crafted), BURST):
            burst = crafted[first : first + BURST]
            alone = [sides.through_all(frame, 0.004) for frame in burst]
            for attempt in range(3):
                for frame in burst:
                    sides.send(frame)
                together = sides.receive(0.2, quiet=0.02, enough=lambda o: True)
                expected = [[x for outputs in alone for x in outputs[n]] for n in range(len(wefts))]
                if all(by_flow(a) == by_flow(b) for a, b in zip(together, expected)):
                    break
                alone = [sides.through_all(frame, 0.05, quiet=0.015) for frame in burst]
            for a, b in zip(together, expected):
                self.assertEqual(by_flow(a), by_flow(b), f"packets {first} to {first + len(burst)} of SEED {SEED}")

    def test_neighbours_that_do_not_answer(self):
        """RFC 1812 section 5.2.7.1, RFC 4443 section 3.1 code 3: the sender hears of it."""
        frames = [packets.eth(packets.ip4(packets.udp(n), dst="10.0.2.77", ident=n)) for n in range(3)]
        frames += [packets.eth(packets.ip6(packets.udp(n), dst="fd00:2::77"), 0x86DD) for n in range(3)]
        for frame in frames:
            self.all.send(frame)
        outputs = [sorted(o) for o in self.all.receive(8, lambda o: all(len(x) >= len(frames) for x in o), quiet=0.5)]
        self.assertEqual(sorted(name for offered in map(Offered, frames) for name in offered.names(outputs[0])
                                if "icmp" in name),
                         ["in: icmp 3/1"] * 3 + ["in: icmp6 1/3 from fd00:1::1"] * 3)
        self.assertEqual(outputs[1], outputs[0])
        self.assertEqual(outputs[2], outputs[0])

    def check_books(self):
        _, fused, complete = self.all.sides
        for side in (fused, complete):
            self.assertEqual([p for p in side.weftd.show("paths")["paths"]
                              if p["in"] + p["made"] != p["out"] + p["dropped"] + p["held"]], [])
        self.assertGreater(sum(p["fused_packets"] for p in fused.forwarding()), 1000)
        self.assertEqual(sum(p["fused_packets"] for p in complete.forwarding()), 0)

    @staticmethod
    def report(differences, one, other):
        for name, cases in differences.items():
            frame, a, b = cases[0]
            offered = Offered(frame)
            print(f"  {name} ({len(cases)}): {frame.hex()}")
            for side, outputs in ((one, a), (other, b)):
                print(f"    {side}: " + ("\n      ".join(offered.names(outputs)) or "nothing"))


class Document(unittest.TestCase):
    def test_differences_are_documented_as_they_are(self):
        page = (ROOT / "docs/differences.md").read_text()
        self.assertEqual(page, deliberate.document(), "run tests/system/differences.py > docs/differences.md")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    laboratory.main("__main__")
