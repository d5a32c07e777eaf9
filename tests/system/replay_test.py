#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A capture that is replayed through a path comes out whole: every packet, in order, with
its time; and what `weft capture` writes is read by tshark.  Needs no privilege."""

import json
import random
import shutil
import struct
import subprocess
import time
import unittest

from cli_test import Daemon
from packets import checksum

PACKETS = 6000
FIRST = 1_700_000_000_000_000  # us since 1970: the time of the first packet
ETHERNET, RAW = 1, 101

CONFIG = """
[node]
kernel_routes = false
default_paths = {default_paths}
pool_packets = 1024
pages = "4K"

[control]
socket = "{folder}/w.sock"

[partner.in]
driver = "pcap"
read = "{folder}/in.pcap"
{replay}

[partner.out]
driver = "pcap"
write = "{folder}/{out}"
link = "{link}"
{address}
"""


def ip_packet(number, size, ttl=64):
    """An IPv4 packet of `size` bytes, at least 28, with UDP inside."""
    body = random.Random(number).randbytes(size - 28)
    header = struct.pack("!BBHHHBBH", 0x45, 0, size, number & 0xFFFF, 0, ttl, 17, 0) + bytes([10, 99, 1, 2, 10, 99, 2, 2])
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return header + struct.pack("!HHHH", 4000 + number % 1000, 7, size - 20, 0) + body


def sizes():
    """Mixed ones, the edges among them."""
    chance = random.Random(7)
    edges = [28, 29, 63, 64, 65, 127, 128, 1499, 1500]
    return [edges[n % len(edges)] if n % 3 == 0 else chance.randint(28, 1500) for n in range(PACKETS)]


def times():
    """Unevenly spaced; some packets come together."""
    chance = random.Random(9)
    at, all_times = FIRST, []
    for _ in range(PACKETS):
        at += chance.choice((0, 1, 17, 200))
        all_times.append(at)
    return all_times


def write_pcap(path, link, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
        for at, data in zip(times(), packets):
            file.write(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(data), len(data)) + data)


def read_pcap(path):
    """(us since 1970, bytes) of each packet of a classic pcap file."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    per_us = {0xA1B2C3D4: 1, 0xA1B23C4D: 1000}[magic]
    at, packets = 24, []
    while at < len(data):
        seconds, part, length, original = struct.unpack_from("<IIII", data, at)
        assert length == original, "the record is cut"
        packets.append((seconds * 1_000_000 + part // per_us, data[at + 16:at + 16 + length]))
        at += 16 + length
    return packets


class Replay(Daemon):
    def replay(self, link, packets, out="out.pcap", replay="", more="", passes=1, **keys):
        """Replays `packets`, waits until all are through, and stops weftd."""
        write_pcap(self.folder / "in.pcap", link, packets)
        self.start(CONFIG.format(folder=self.folder, out=out, replay=replay, link="raw" if link == RAW else "ethernet", **keys) + more)
        self.wait_until_out(len(packets) * passes)
        self.assertEqual(self.end(), 0, self.log())

    def wait_until_out(self, wanted):
        for _ in range(1500):
            partners = json.loads(self.weft("--json", "show", "partner").stdout)["partners"]
            if partners[1]["tx_packets"] >= wanted:
                return
            time.sleep(0.02)
        self.fail(f"not all came out: {self.weft('show', 'partner').stdout}{self.weft('show', 'drops').stdout}")

    def forward(self, **keys):
        """IPv4 packets through the forwarding path; they come out with a TTL that is one lower."""
        packets = [ip_packet(n, size) for n, size in enumerate(sizes())]
        self.replay(RAW, packets, default_paths="true", address='address = ["10.99.2.1/24"]', **keys)
        return [ip_packet(n, size, ttl=63) for n, size in enumerate(sizes())]

    def test_forwarded(self):
        expected = self.forward()
        self.assertEqual(read_pcap(self.folder / "out.pcap"), list(zip(times(), expected)))

    def test_forwarded_at_the_times_of_the_file(self):
        expected = self.forward(replay="timed = true")
        self.assertEqual(read_pcap(self.folder / "out.pcap"), list(zip(times(), expected)))

    def test_forwarded_three_times(self):
        expected = self.forward(replay="passes = 3", passes=3)
        self.assertEqual(read_pcap(self.folder / "out.pcap"), list(zip(times(), expected)) * 3)

    def test_frames_cross_as_they_are(self):
        """A path that names no protocol changes no byte, whatever is inside."""
        chance = random.Random(3)
        frames = [chance.randbytes(12) + b"\x88\xb5" + chance.randbytes(max(0, size - 14)) for size in sizes()]
        self.replay(ETHERNET, frames, default_paths="false", address="", more='[[path]]\ntext = "in -> out"\n')
        self.assertEqual(read_pcap(self.folder / "out.pcap"), list(zip(times(), frames)))

    @unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
    def test_a_pcapng_record_is_read_by_tshark(self):
        expected = self.forward(out="out.pcapng")
        self.assertEqual(self.tshark(self.folder / "out.pcapng"), [len(p) for p in expected])

    @unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
    def test_what_capture_writes_is_read_by_tshark(self):
        write_pcap(self.folder / "in.pcap", RAW, [ip_packet(n, size) for n, size in enumerate(sizes())])
        self.start(CONFIG.format(folder=self.folder, out="out.pcap", link="raw", replay="timed = true\npasses = 0",
                                 default_paths="true", address='address = ["10.99.2.1/24"]'))
        count = 1000
        for stage in ("near", "far"):
            file = self.folder / f"{stage}.pcapng"
            done = self.weft("capture", f"in/ip -> out@{stage}", "-w", file, "-c", str(count))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_in_order(self.tshark(file), count)
            done = self.weft("capture", f"in/ip -> out@{stage}", "-w", "-", "-c", str(count), text=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_in_order(self.tshark("-", input=done.stdout), count)
        self.assertEqual(self.end(), 0, self.log())

    def tshark(self, file, **options):
        """The length of each packet that tshark finds."""
        done = subprocess.run(["tshark", "-r", file, "-T", "fields", "-e", "frame.len"], capture_output=True, timeout=60, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [int(word) for word in done.stdout.split()]

    def assert_in_order(self, lengths, count):
        """As many as were asked for, and a piece of the file that goes round and round."""
        self.assertEqual(len(lengths), count)
        around = sizes() * 2
        starts = (n for n in range(PACKETS) if around[n:n + 20] == lengths[:20])
        self.assertTrue(any(around[n:n + count] == lengths for n in starts), lengths[:20])


del Daemon

if __name__ == "__main__":
    unittest.main(verbosity=2)
