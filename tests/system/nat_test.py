#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The NAT of examples/nat_ee in a running weftd: flows out and back, and the balance."""

import pathlib
import shutil
import socket
import struct
import tempfile
import unittest

from packets import checksum, icmp4, ip4
from weftd import BIN, Weftd

EE = BIN.parent / "examples/nat_ee.so"
INSIDE, OTHER, SERVER, OUTSIDE = "10.0.0.2", "10.0.0.3", "198.51.100.7", "192.0.2.1"

CONFIG = """
[node]
default_paths = false
kernel_routes = false
pool_packets = 1024
pages = "4K"
[partner.inside]
driver = "udp"
local = "127.0.0.1:{0}"
remote = "127.0.0.1:{1}"
[partner.outside]
driver = "udp"
local = "127.0.0.1:{2}"
remote = "127.0.0.1:{3}"
[ee.nat]
load = "{ee}"
args = ["inside", "outside", "192.0.2.1"]
"""


def udp(payload, sport, dport, src, dst):
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!HH", 17, 8 + len(payload))
    return head[:6] + struct.pack("!H", checksum(pseudo + head + payload) or 0xFFFF) + payload


def datagram(payload, sport, dport, src, dst):
    return ip4(udp(payload, sport, dport, src, dst), src=src, dst=dst, proto=17)


class Nat(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-nat-"))
        self.addCleanup(shutil.rmtree, self.folder)
        ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        for end in ends:
            end.bind(("127.0.0.1", 0))
        ports = [end.getsockname()[1] for end in ends]
        for i in (0, 2):
            ends[i].close()
        self.inside, self.outside = ends[1], ends[3]
        self.inside.connect(("127.0.0.1", ports[0]))
        self.outside.connect(("127.0.0.1", ports[2]))
        for end in (self.inside, self.outside):
            end.settimeout(5)
            self.addCleanup(end.close)
        self.weftd = Weftd(self.folder, CONFIG.format(*ports, ee=EE))
        self.addCleanup(self.weftd.stop)
        self.assertIn("ee nat runs in weftd", self.weftd.said())

    def expect(self, packet, src, dst):
        """Its addresses are these, and its checksums right.  Returns (sport, dport, payload)."""
        self.assertEqual((socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])), (src, dst))
        self.assertEqual(checksum(packet[:20]), 0)
        pseudo = packet[12:20] + struct.pack("!HH", 17, len(packet) - 20)
        self.assertEqual(checksum(pseudo + packet[20:]), 0)
        return (*struct.unpack("!HH", packet[20:24]), packet[28:])

    def test_flows_out_and_back(self):
        for host, sport in ((INSIDE, 4000), (OTHER, 4000)):
            self.inside.send(datagram(b"question", sport, 53, host, SERVER))
            outside, dport, payload = self.expect(self.outside.recv(2048), OUTSIDE, SERVER)
            self.assertEqual((dport, payload), (53, b"question"))
            self.outside.send(datagram(b"the answer", 53, outside, SERVER, OUTSIDE))
            self.assertEqual(self.expect(self.inside.recv(2048), SERVER, host), (53, 4000, b"the answer"))
        self.inside.send(ip4(icmp4(8, 0, b"ping"), src=INSIDE, dst=SERVER, proto=1))
        ping = self.outside.recv(2048)
        self.assertEqual((socket.inet_ntoa(ping[12:16]), checksum(ping[20:])), (OUTSIDE, 0))
        self.outside.send(datagram(b"unasked", 53, 9, SERVER, OUTSIDE))
        self.inside.send(b"\x45not a packet")
        self.inside.send(datagram(b"last", 4000, 53, INSIDE, SERVER))
        self.outside.recv(2048)
        domains = self.weftd.weft("show", "domains").stdout
        # received 8 = sent 6 + dropped 2, and nothing is held
        self.assertRegex(domains, r"(?m)^ *\d+ +nat +\d+ +4 +2 +8 +0 +6 +2 +0 ")
        self.assertEqual(self.weftd.stop(), 0, self.weftd.said())
        self.assertIn("3 mappings; 4 out, 2 in; lost: 1 malformed, 0 ttl, 0 table full, 1 no mapping", self.weftd.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
