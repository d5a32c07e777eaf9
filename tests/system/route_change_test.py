#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Routes come and go by the hundred thousand, and packets of other routes lose nothing.

    h1 - router - h2
              `- h3

One stream of UDP packets goes from h1 to an address of h2 whose route never changes,
while `ip -batch` changes 100,000 routes of the router's kernel.  Another goes to an
address that h2 and h3 both have, while its route moves from one to the other.
"""

import socket
import statistics
import struct
import threading
import time
import unittest

import lab as laboratory
from lab import Lab, Weftd

ROUTES = 100_000
STEADY, MOVING = "10.50.0.1", "10.60.0.1"
PORT = 7
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
TRIES = 3  # of a measurement, on a machine that others use too
MOST_MS = 10


class Stream(threading.Thread):
    """Sends numbered packets until it is stopped; `sent` counts them."""

    def __init__(self, sender, address, per_second):
        super().__init__(daemon=True)
        self.sender, self.address, self.period = sender, address, 1 / per_second
        self.sent = 0
        self.going = True

    def run(self):
        due = time.monotonic()
        while self.going:
            self.sender.sendto(struct.pack("!Q", self.sent), (self.address, PORT))
            self.sent += 1
            due = max(due + self.period, time.monotonic() - 10 * self.period)
            time.sleep(max(0.0, due - time.monotonic()))

    def stop(self):
        self.going = False
        self.join()
        time.sleep(0.3)  # until the last ones have come


class Listener:
    """Everything that came to an address of a host, and when the kernel saw it come."""

    def __init__(self, host, address):
        self.socket = host.udp_socket(address, PORT)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)

    def came(self):
        """(number, ns since 1970) of each packet, in the order of coming."""
        packets = []
        while True:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(64, 64)
            except BlockingIOError:
                return packets
            seconds, ns = struct.unpack("qq", ancillary[0][2])
            packets.append((struct.unpack("!Q", data)[0], seconds * 1_000_000_000 + ns))


class RouteChange(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.h1, cls.router, cls.h2, cls.h3 = (cls.lab.host(name) for name in ("h1", "router", "h2", "h3"))
        for number, host in enumerate((cls.h1, cls.h2, cls.h3), 1):
            cls.lab.link(host, "eth0", cls.router, f"left{number}")
            host.up("eth0", f"10.0.{number}.2/24")
            host.ip(f"route add default via 10.0.{number}.1")
            cls.router.up(f"left{number}", f"10.0.{number}.1/24")
        cls.h2.ip(f"address add {STEADY}/32 dev lo")
        for host in (cls.h2, cls.h3):
            host.ip(f"address add {MOVING}/32 dev lo")
        cls.router.sysctl("net.ipv4.ip_forward", 0)
        cls.router.ip(f"route add {STEADY}/32 via 10.0.2.2")
        cls.router.ip(f"route add {MOVING}/32 via 10.0.2.2")
        cls.weftd = Weftd(cls.lab, cls.router, "".join(
            f'[partner.left{n}]\ndriver = "af_packet"\ndevice = "left{n}"\n' for n in (1, 2, 3)))
        cls.sender = cls.h1.udp_socket()
        cls.addClassCleanup(cls.sender.close)
        # Both neighbours are known before anything is measured.
        for address in (STEADY, "10.0.3.2"):
            cls.h1.run("ping", "-c2", "-i0.2", "-W2", address)

    def listen(self, host, address):
        listener = Listener(host, address)
        self.addCleanup(listener.socket.close)
        return listener

    def known_routes(self):
        return self.weftd.show("routes")["count"]["ipv4"]

    def change(self, verb):
        """Adds or deletes ROUTES routes; waits until weftd knows of the last."""
        wanted = self.known_routes() + (ROUTES if verb == "add" else -ROUTES)
        file = self.lab.folder / "batch"
        with open(file, "w") as batch:
            for n in range(ROUTES):
                batch.write(f"route {verb} 10.{128 + (n >> 16)}.{n >> 8 & 255}.{n & 255}/32 via 10.0.3.2\n")
        start = time.monotonic()
        self.router.run("ip", "-batch", file, timeout=120)
        kernel = time.monotonic() - start
        while self.known_routes() != wanted:
            self.assertLess(time.monotonic() - start, 120, f"{self.known_routes()} routes, not {wanted}")
            time.sleep(0.05)
        print(f"  {verb} of {ROUTES} routes: the kernel took {kernel:.1f} s, Weft had all after "
              f"{time.monotonic() - start:.1f} s", flush=True)

    def test_nothing_is_lost_where_nothing_changes(self):
        listener = self.listen(self.h2, STEADY)
        stream = Stream(self.sender, STEADY, 2000)
        stream.start()
        try:
            time.sleep(0.2)
            self.change("add")
            middle = stream.sent
            self.measure_a_move()
            self.change("del")
        finally:
            stream.stop()
        numbers = [number for number, _ in listener.came()]
        self.assertGreater(middle, 500)
        self.assertEqual(numbers, list(range(stream.sent)))
        print(f"  {stream.sent} packets meanwhile on the steady route: none lost, all in order", flush=True)

    def measure_a_move(self):
        """One route of 100,000 is replaced: at most MOST_MS until packets take the new way."""
        at_h2, at_h3 = self.listen(self.h2, MOVING), self.listen(self.h3, MOVING)
        ip = self.router.start("ip", "-batch", "-", stdin=-1, text=True)
        there, back = (at_h2, at_h3, "10.0.3.2"), (at_h3, at_h2, "10.0.2.2")
        with self.h1.udp_socket() as sender:
            for _ in range(TRIES):
                times = [self.time_of_move(ip, sender, *way) for way in (there, back) * 5]
                print(f"  a route replaced among {ROUTES}: packets take the new way after "
                      f"{statistics.median(times):.2f} ms (median of {len(times)}), at worst {max(times):.2f} ms", flush=True)
                if max(times) < MOST_MS:
                    break
        ip.stdin.close()
        self.assertEqual(ip.wait(timeout=10), 0)
        self.assertLess(max(times), MOST_MS, times)

    def time_of_move(self, ip, sender, before, after, gateway):
        """From before `ip` is told, to the first packet at the new place, by the kernel's
        time stamp; packets go every 200 us."""
        before.came(), after.came()
        stream = Stream(sender, MOVING, 5000)
        stream.start()
        time.sleep(0.05)
        told = time.time_ns()
        ip.stdin.write(f"route replace {MOVING}/32 via {gateway}\n")
        ip.stdin.flush()
        time.sleep(0.1)
        stream.stop()
        old, new = before.came(), after.came()
        self.assertTrue(old and new, f"{len(old)} packets took the old way, {len(new)} the new")
        # Each took one way or the other, and none was lost.
        self.assertEqual(sorted(n for n, _ in old + new), list(range(stream.sent)))
        return (new[0][1] - told) / 1e6


if __name__ == "__main__":
    laboratory.main("__main__")
