# SPDX-License-Identifier: Apache-2.0
"""What a router made of one packet, in a form that two routers can be compared by.

An output is (link, frame): frames lose what a router chooses freely or what follows from
the time (normalised()), and each has a name (Offered.name()) that says what it is:

    out: forwarded               the packet that was offered, as RFC 1812 or 8200 asks
    in: icmp 11/0                an ICMP error about it
    in: icmp 12/0 at 22, options ... whose header has options
    small: 0200...               anything else
"""

import ipaddress
import struct
import time

from packets import checksum

MACS = {name: (bytes([2, 0, 0, 0, n, 2]), bytes([2, 0, 0, 0, n, 1])) for n, name in ((1, "in"), (2, "out"), (3, "small"))}
OWN4 = [ipaddress.IPv4Address(f"10.0.{n}.1").packed for n in (1, 2, 3)]
DAY_MS = 86_400_000


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
    if following != 58 or len(frame) <= at:
        return False
    # What is forwarded has lost a hop, so it is not discovery (RFC 4861: hop limit 255).
    discovery = 133 <= frame[at] <= 136 and frame[21] == 255
    return discovery or frame[at] == 143 or (130 <= frame[at] <= 132 and frame[22:24] == b"\xfe\x80")


def options(header):
    """(kind, offset, length) of each IPv4 option, as far as they can be read."""
    at, end = 20, min((header[0] & 15) * 4, len(header))
    while at < end and header[at] != 0:
        if header[at] == 1:
            at += 1
            continue
        if at + 2 > end or header[at + 1] < 2 or at + header[at + 1] > end:
            yield header[at], at, end - at
            return
        yield header[at], at, header[at + 1]
        at += header[at + 1]


def _without_times(header, now_ms):
    """Timestamps that a router has just written become 0."""
    header = bytearray(header)
    for kind, at, length in list(options(header)):
        if kind != 68 or length < 8:
            continue
        entry = 4 if header[at + 3] & 15 == 0 else 8
        for end in range(at + 4 + entry, at + length + 1, entry):
            written = struct.unpack("!I", header[end - 4 : end])[0]
            if (now_ms - written) % DAY_MS < 10_000:
                header[end - 4 : end] = bytes(4)
    return bytes(header)


def normalised(frame):
    """Without the times that are written in it, the identification of the router's own packets,
    and those checksums that are right: wrong ones stay."""
    if frame[12:14] != b"\x08\x00" or len(frame) < 34:
        return frame
    length = (frame[14] & 15) * 4
    header, payload = frame[14 : 14 + length], frame[14 + length :]
    if length < 20 or len(header) < length or checksum(header) != 0:
        return frame
    now_ms = int(time.time() * 1000) % DAY_MS
    header = _without_times(header, now_ms)
    header = header[:10] + b"\0\0" + header[12:]
    if header[9] == 1 and header[12:16] in OWN4 and len(payload) >= 8 and checksum(payload) == 0:
        header = header[:4] + b"\0\0" + header[6:]
        quoted = payload[8:]
        if payload[0] in (3, 11, 12) and len(quoted) >= 20:
            inner = min((quoted[0] & 15) * 4, len(quoted))
            quoted = _without_times(quoted[:inner], now_ms) + quoted[inner:]
        payload = payload[:2] + b"\0\0" + payload[4:8] + quoted
    return frame[:14] + header + payload


class Offered:
    """A packet that goes into a router, and the fields that differences depend on."""

    def __init__(self, frame):
        self.frame = frame
        self.ip = frame[14:]
        kind = frame[12:14]
        self.is4 = kind == b"\x08\x00" and len(self.ip) >= 20 and self.ip[0] >> 4 == 4
        self.is6 = kind == b"\x86\xdd" and len(self.ip) >= 40 and self.ip[0] >> 4 == 6
        if self.is4:
            self.ttl = self.ip[8]
            self.source, self.destination = map(ipaddress.IPv4Address, (self.ip[12:16], self.ip[16:20]))
            self.options = {kind: length for kind, _, length in options(self.ip)}
        elif self.is6:
            self.ttl = self.ip[7]
            self.source, self.destination = map(ipaddress.IPv6Address, (self.ip[8:24], self.ip[24:40]))

    def icmp_type(self):
        """Of the ICMP message in it; None when there is none."""
        if self.is4 and self.ip[9] == 1 and not struct.unpack("!H", self.ip[6:8])[0] & 0x1FFF:
            at = (self.ip[0] & 15) * 4
            return self.ip[at] if len(self.ip) > at else None
        if not self.is6:
            return None
        following, at = self.ip[6], 40
        while following in (0, 43, 44, 60) and len(self.ip) >= at + 8:
            if following == 44 and struct.unpack("!H", self.ip[at + 2 : at + 4])[0] & 0xFFF8:
                return None
            length = 8 if following == 44 else 8 * (self.ip[at + 1] + 1)
            following, at = self.ip[at], at + length
        return self.ip[at] if following == 58 and len(self.ip) > at else None

    def forwarded(self, link):
        """The frame, normalised, that leaves when the packet is forwarded unchanged by `link`."""
        ip = self.ip
        if self.is4:
            ip = ip[: struct.unpack("!H", ip[2:4])[0]]
            ip = ip[:8] + bytes([(ip[8] - 1) & 255]) + ip[9:10] + b"\0\0" + ip[12:]
        else:
            ip = ip[: 40 + struct.unpack("!H", ip[4:6])[0]]
            ip = ip[:7] + bytes([(ip[7] - 1) & 255]) + ip[8:]
        return MACS[link][0] + MACS[link][1] + self.frame[12:14] + ip

    def name(self, link, frame):
        if (self.is4 or self.is6) and frame == self.forwarded(link):
            return f"{link}: forwarded"
        what = self._error(frame)
        return f"{link}: {what}" if what and frame[6:12] == MACS[link][1] else f"{link}: {frame.hex()}"

    def _error(self, frame):
        ip = frame[14:]
        if self.is4 and len(ip) >= 48 and ip[9] == 1 and ip[16:20] == self.ip[12:16] and ip[12:16] in OWN4:
            header = (ip[0] & 15) * 4
            kind, code, rest, quoted = ip[header], ip[header + 1], ip[header + 4 : header + 8], ip[header + 8 :]
            # Options may have been filled in, and the times in them be gone; the TTL may be lowered.
            same = all(quoted[a:b] == self.ip[: len(quoted)][a:b] for a, b in ((0, 8), (9, 10), (12, 20), (60, None)))
            if kind not in (3, 11, 12) or not same:
                return None
            more = {(3, 4): f" mtu {struct.unpack('!I', rest)[0]}", (12, 0): f" at {rest[0]}"}.get((kind, code), "")
            cast = ", broadcast" if frame[:6] == b"\xff" * 6 else ""
            return f"icmp {kind}/{code}{more}{', options' if header > 20 else ''}{cast}"
        if self.is6 and len(ip) >= 88 and ip[6] == 58 and ip[24:40] == self.ip[8:24]:
            kind, code, rest, quoted = ip[40], ip[41], struct.unpack("!I", ip[44:48])[0], ip[48:]
            pseudo = ip[8:40] + struct.pack("!II", len(ip) - 40, 58)
            same = quoted[:7] == self.ip[:7] and quoted[8:] == self.ip[8 : len(quoted)]
            if kind not in (1, 2, 3, 4) or checksum(pseudo + ip[40:]) != 0 or not same:
                return None
            more = {2: f" mtu {rest}", 4: f" at {rest}"}.get(kind, "")
            return f"icmp6 {kind}/{code}{more} from {ipaddress.IPv6Address(ip[8:24])}"
        return None

    def names(self, outputs):
        return sorted(self.name(link, frame) for link, frame in outputs)
