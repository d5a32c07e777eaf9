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

import captures
from daemon import ENDLESS, Daemon
from packets import ip4

PACKETS = 6000
FIRST = 1_700_000_000_000_000  # us since 1970: the time of the first packet


def ip_packet(number, size, ttl=64):
    """An IPv4 packet of `size` bytes, at least 28, with UDP inside."""
    body = random.Random(number).randbytes(size - 28)
    return ip4(struct.pack("!HHHH", 4000 + number % 1000, 7, size - 20, 0) + body, src="10.99.1.2", dst="10.99.2.2", ttl=ttl,
               proto=17, ident=number & 0xFFFF)


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


class Replay(Daemon):
    def replay(self, config, wanted):
        """Runs until `wanted` packets are through, and stops weftd."""
        self.start(config)
        self.wait_until_out(wanted)
        self.assertEqual(self.end(), 0, self.log())

    def wait_until_out(self, wanted):
        for _ in range(1500):
            partners = json.loads(self.weft("--json", "show", "partner").stdout)["partners"]
            if partners[1]["tx_packets"] >= wanted:
                return
            time.sleep(0.02)
        self.fail(f"not all came out: {self.weft('show', 'partner').stdout}{self.weft('show', 'drops').stdout}")

    def forward(self, replay="", out="out.pcap", passes=1):
        """IPv4 packets through the forwarding path; they come out with a TTL that is one lower."""
        self.give(zip(times(), (ip_packet(n, size) for n, size in enumerate(sizes()))))
        self.replay(self.router(replay, out), PACKETS * passes)
        return [ip_packet(n, size, ttl=63) for n, size in enumerate(sizes())]

    def test_forwarded(self):
        expected = self.forward()
        self.assertEqual(captures.read(self.folder / "out.pcap"), list(zip(times(), expected)))

    def test_forwarded_at_the_times_of_the_file(self):
        expected = self.forward(replay="timed = true")
        self.assertEqual(captures.read(self.folder / "out.pcap"), list(zip(times(), expected)))

    def test_forwarded_three_times(self):
        expected = self.forward(replay="passes = 3", passes=3)
        self.assertEqual(captures.read(self.folder / "out.pcap"), list(zip(times(), expected)) * 3)

    def test_frames_cross_as_they_are(self):
        """A path that names no protocol changes no byte, whatever is inside."""
        chance = random.Random(3)
        frames = [chance.randbytes(12) + b"\x88\xb5" + chance.randbytes(max(0, size - 14)) for size in sizes()]
        self.give(zip(times(), frames), captures.ETHERNET)
        self.replay(self.wire(), PACKETS)
        self.assertEqual(captures.read(self.folder / "out.pcap"), list(zip(times(), frames)))

    @unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
    def test_a_pcapng_record_is_read_by_tshark(self):
        expected = self.forward(out="out.pcapng")
        self.assertEqual(self.tshark(self.folder / "out.pcapng"), [len(p) for p in expected])

    @unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
    def test_what_capture_writes_is_read_by_tshark(self):
        self.give(zip(times(), (ip_packet(n, size) for n, size in enumerate(sizes()))))
        self.start(self.router(ENDLESS))
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
