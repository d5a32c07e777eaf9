# SPDX-License-Identifier: Apache-2.0
"""Crafted packets, good and bad, for comparing two routers.

Each is (name, frame).  The generator is seeded: a failure names a packet that can
be made again.
"""

import ipaddress
import itertools
import random
import struct

ROUTER = "02:00:00:00:01:01"
HOST = "02:00:00:00:01:02"

# Where routes lead (differential_test.py makes them).
HERE4, FAR4, SMALL4 = "10.0.1.2", "10.9.1.1", "10.8.1.1"
HERE6, FAR6, SMALL6 = "fd00:1::2", "fd09::1", "fd08::1"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def eth(payload, kind=0x0800, to=ROUTER):
    return mac(to) + mac(HOST) + struct.pack("!H", kind) + payload


class _Senders:
    """IPv4 hosts behind HERE4, each for one packet only: Linux limits how often it tells one
    sender that there is no route (ip_error(), 1 per second)."""

    def __init__(self):
        self._next = itertools.count(0x0A070001)

    def __call__(self):
        return str(ipaddress.IPv4Address(next(self._next)))


def ip4(payload=b"", src=HERE4, dst=FAR4, ttl=64, proto=253, ident=1, flags=0, offset=0, tos=0, options=b"",
        length=None, ihl=None, version=4, bad=0):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4
    header = struct.pack(
        "!BBHHHBBH4s4s", version << 4 | (words if ihl is None else ihl), tos,
        (words * 4 + len(payload) if length is None else length) & 0xFFFF, ident, flags << 13 | offset, ttl, proto, 0,
        ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed) + options
    total = checksum(header) ^ bad
    return header[:10] + struct.pack("!H", total) + header[12:] + payload


def ip6(payload=b"", src=HERE6, dst=FAR6, hop=64, proto=253, cls=0, flow=0, length=None, version=6):
    return struct.pack("!IHBB16s16s", version << 28 | cls << 20 | flow,
                       len(payload) if length is None else length, proto, hop,
                       ipaddress.IPv6Address(src).packed, ipaddress.IPv6Address(dst).packed) + payload


def udp(size, sport=4000, dport=7):
    return struct.pack("!HHHH", sport, dport, 8 + size, 0) + bytes(i & 255 for i in range(size))


def udp6(size, src, dst):
    """With a checksum, without which IPv6 takes none (RFC 8200 section 8.1)."""
    whole = udp(size)
    pseudo = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + struct.pack("!II", len(whole), 17)
    return whole[:6] + struct.pack("!H", checksum(pseudo + whole) or 0xFFFF) + whole[8:]


def icmp4(kind, code=0, body=b""):
    head = struct.pack("!BBHI", kind, code, 0, 0x00010001) + body
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def _ip4_packets(r):
    some = lambda low=0, high=1400: udp(r.randint(low, high))
    sender = _Senders()
    for _ in range(300):
        yield "good", ip4(some(), dst=r.choice([FAR4, "10.9.200.3", "10.0.2.2"]), ttl=r.randint(2, 255),
                          proto=r.choice([1, 6, 17, 132, 253]), ident=r.getrandbits(16), tos=r.getrandbits(8),
                          flags=r.choice([0, 2]))
    for ttl in range(256):
        yield "ttl", ip4(some(0, 64), ttl=ttl, ident=ttl)
    for _ in range(150):
        yield "bad checksum", ip4(some(0, 64), bad=r.randint(1, 0xFFFE))
    for _ in range(150):
        yield "big", ip4(some(1240, 1472), dst=SMALL4, flags=r.choice([0, 0, 2]), ident=r.getrandbits(16), proto=17)
    for _ in range(100):
        yield "fragment", ip4(some(0, 1400), dst=r.choice([FAR4, SMALL4]), flags=r.choice([0, 1, 2, 3]),
                              offset=r.choice([0, 1, 185, 8000, 8191]), ident=r.getrandbits(16))
    for size in (1271, 1272, 1273, 1276, 1280):  # 1280 is the MTU
        for flags in (0, 2):
            yield "at the MTU", ip4(udp(size - 28), dst=SMALL4, flags=flags, ident=size, proto=17)
            yield "at the MTU", ip4(udp(size - 20), dst=SMALL4, flags=flags, ident=size, proto=17)
    for offset in (0, 1, 8189):
        for flags in (0, 1, 2, 3):
            yield f"fragment ttl 1 offset {offset}", ip4(some(0, 32), ttl=1, offset=offset, flags=flags)
    yield "from and to the same", ip4(some(0, 32), src=FAR4)
    for own in ("10.0.1.1", "10.0.2.1"):
        for ttl in (64, 1):
            yield f"to the router {own}", ip4(icmp4(8, 0, b"x" * 20), dst=own, proto=1, ttl=ttl)
            yield f"to the router {own}", ip4(udp(8), dst=own, proto=17, ttl=ttl)
            yield f"to the router {own}", ip4(udp(8), dst=own, ttl=ttl)
            yield f"to the router {own} checksum wrong", ip4(udp(8)[:6] + b"\1\1" + bytes(8), dst=own, proto=17, ttl=ttl)
    sources = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
               "10.0.1.1", "10.0.2.1", "10.0.1.255", "10.0.1.0", "10.0.2.255", "10.0.2.0", "169.254.3.4", "192.0.2.7",
               "1.2.3.4"]
    destinations = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "224.0.0.1", "224.0.0.251", "239.1.1.1", "240.0.0.1",
                    "255.255.255.255", "10.0.2.255", "10.0.2.0", "10.0.1.255", "169.254.3.4", "10.66.0.1", "10.67.0.1",
                    "10.68.0.1", "10.70.0.1", "8.8.8.8"]
    for src in sources:
        for ttl in (64, 1):
            yield f"source {src} ttl {ttl}", ip4(some(0, 32), src=src, ttl=ttl)
            yield f"source {src} unroutable", ip4(some(0, 32), src=src, ttl=ttl, dst="8.8.8.8")
    for dst in destinations:
        for ttl in (64, 1):
            yield f"destination {dst} ttl {ttl}", ip4(some(0, 32), src=sender(), dst=dst, ttl=ttl)
        yield f"destination {dst} echo", ip4(icmp4(8, 0, b"x" * 20), src=sender(), dst=dst, proto=1)
        yield f"destination {dst} options", ip4(some(0, 32), src=sender(), dst=dst, options=b"\1\1\1\1")
    yield from _option_packets(r)
    for _ in range(200):
        whole = ip4(some(0, 200), ident=r.getrandbits(16))
        kind = r.randrange(5)
        if kind == 0:
            yield "truncated", whole[: r.randint(0, len(whole) - 1)]
        elif kind == 1:
            yield "length", ip4(some(0, 100), length=r.randint(0, 200))
        elif kind == 2:
            yield "ihl", ip4(some(0, 100), ihl=r.randint(0, 15))
        elif kind == 3:
            yield "version", ip4(some(0, 100), version=r.randint(0, 15))
        else:
            yield "padded", whole + bytes(r.randint(1, 60))
    quoted = ip4(udp(8), src=FAR4, dst=HERE4)
    for kind in range(0, 20):
        for ttl in (64, 1):
            yield f"icmp {kind} ttl {ttl}", ip4(icmp4(kind, 0, quoted), proto=1, ttl=ttl)
    for kind in (3, 4, 5, 11, 12, 8, 0):
        yield f"icmp {kind} unroutable", ip4(icmp4(kind, 0, quoted), src=sender(), dst="8.8.8.8", proto=1)
        yield f"icmp {kind} big", ip4(icmp4(kind, 0, bytes(1400)), dst=SMALL4, proto=1, flags=2)
    for _ in range(150):
        yield "random", r.randbytes(r.randint(0, 120))
    for _ in range(150):
        p = bytearray(ip4(some(0, 60), src=sender()))
        for _ in range(r.randint(1, 3)):
            p[r.randrange(20)] = r.getrandbits(8)
        p[10:12] = b"\0\0"
        if r.random() < 0.8:
            p[10:12] = struct.pack("!H", checksum(bytes(p[: max(20, (p[0] & 15) * 4)])))
        yield "mutated", bytes(p)


def _option_packets(r):
    address = ipaddress.IPv4Address
    routers = [address(a).packed for a in ("10.0.2.2", "10.0.1.1", "10.9.1.1")]
    fixed = {
        "nop": b"\1\1\1\1", "end": b"\0\0\0\0", "router alert": b"\x94\x04\0\0",
        "record route": b"\7\x0b\4" + bytes(8), "record route full": b"\7\x0b\x0c" + bytes(8),
        "record route half": b"\7\x0b\x08" + bytes(8),
        "record route bad pointer": b"\7\x0b\3" + bytes(8), "record route short": b"\7\2", "record route odd": b"\7\x0a\4" + bytes(7),
        "record route past end": b"\7\x30\4" + bytes(5),
        "timestamp": b"\x44\x0c\5\0" + bytes(8), "timestamp with address": b"\x44\x0c\5\1" + bytes(8),
        "timestamp full": b"\x44\x0c\x0d\0" + bytes(8), "timestamp overflow": b"\x44\x0c\x0d\xf0" + bytes(8),
        "timestamp prespecified": b"\x44\x0c\5\3" + routers[1] + bytes(4), "timestamp bad flag": b"\x44\x0c\5\2" + bytes(8),
        "timestamp short": b"\x44\3\5", "timestamp bad pointer": b"\x44\x0c\4\0" + bytes(8),
        "loose route": b"\x83\7\4" + routers[0], "strict route": b"\x89\7\4" + routers[0],
        "loose route done": b"\x83\7\x08" + routers[0], "strict route bad pointer": b"\x89\7\3" + routers[0],
        "security": b"\x82\x0b" + bytes(9), "unknown": b"\x1e\4\0\0", "unknown copied": b"\x9e\4\0\0",
        "zero length": b"\x1e\0\0\0", "length one": b"\x1e\1\0\0", "length past end": b"\x1e\x20\0\0",
        "twice": b"\7\7\4" + bytes(4) + b"\7\7\4" + bytes(4), "alert short": b"\x94\3\0", "cipso": b"\x86\6\0\0\0\0",
    }
    for name, options in fixed.items():
        for ttl in (64, 1):
            yield f"option {name}", ip4(udp(8), options=options, ttl=ttl)
        yield f"option {name} fragmented", ip4(udp(1400), options=options, dst=SMALL4)
        yield f"option {name} df", ip4(udp(1400), options=options, dst=SMALL4, flags=2)
    for _ in range(100):
        yield "random options", ip4(udp(8), options=r.randbytes(4 * r.randint(1, 10)))


def extension(kind, body, following):
    body += b"\0" * (-(len(body) + 2) % 8)
    return bytes([following, (len(body) + 2) // 8 - 1]) + body


def _ip6_packets(r):
    some = lambda low=0, high=1400: udp(r.randint(low, high))
    for _ in range(250):
        yield "good", ip6(some(), dst=r.choice([FAR6, "fd09::77", "fd00:2::2"]), hop=r.randint(2, 255),
                          proto=r.choice([6, 17, 50, 58, 59, 132, 135, 139, 253]), cls=r.getrandbits(8),
                          flow=r.getrandbits(20))
    for hop in range(256):
        yield "hop limit", ip6(some(0, 64), hop=hop)
    for _ in range(80):
        yield "big", ip6(some(1200, 1452), dst=SMALL6, proto=17)
    for size in (1279, 1280, 1281):
        yield "at the MTU", ip6(udp(size - 48), dst=SMALL6, proto=17)
    sources = ["::", "::1", "::10.0.0.1", "ff01::1", "ff02::1", "ff0e::1", "fe80::2", "fec0::2", "fd00:1::1", "fd00:2::1",
               "::ffff:10.0.0.1", "2001:db8::1", "2002:7f00:1::1", "fd00:2::2", FAR6]
    destinations = ["::", "::1", "::127.0.0.1", "ff00::1", "ff01::1", "ff02::1", "ff02::2", "ff05::1", "ff0e::1", "fe80::9",
                    "fec0::9", "fd66::1", "fd67::1", "fd68::1", "2001:db8::9", "::ffff:10.0.0.1", "fd00:1::", "fd00:2::"]
    for src in sources:
        for hop in (64, 1):
            yield f"source {src} hop {hop}", ip6(some(0, 32), src=src, hop=hop)
        yield f"source {src} unroutable", ip6(some(0, 32), src=src, dst="2001:db8::9")
        yield f"source {src} big", ip6(some(1300, 1300), src=src, dst=SMALL6)
    for dst in destinations:
        for hop in (64, 1):
            yield f"destination {dst} hop {hop}", ip6(some(0, 32), dst=dst, hop=hop)
            yield f"destination {dst} hop-by-hop", ip6(extension(0, b"\1\4\0\0\0\0", 17) + udp(8), dst=dst, proto=0, hop=hop)
            yield f"destination {dst} udp", ip6(udp6(8, HERE6, dst), dst=dst, proto=17, hop=hop)
    for own in ("fd00:1::1", "fd00:2::1"):
        for hop in (64, 1):
            yield f"to the router {own}", ip6(some(0, 32), dst=own, hop=hop)
            yield f"to the router {own}", ip6(udp(8), dst=own, proto=17, hop=hop)
            yield f"to the router {own} checksum right", ip6(udp6(8, HERE6, own), dst=own, proto=17, hop=hop)
            yield f"to the router {own} checksum wrong", ip6(udp(8)[:6] + b"\1\1" + bytes(8), dst=own, proto=17, hop=hop)
    yield from _extension_packets(r)
    for _ in range(150):
        whole = ip6(some(0, 200))
        kind = r.randrange(4)
        if kind == 0:
            yield "truncated", whole[: r.randint(0, len(whole) - 1)]
        elif kind == 1:
            yield "length", ip6(some(0, 100), length=r.randint(0, 200))
        elif kind == 2:
            yield "version", ip6(some(0, 100), version=r.randint(0, 15))
        else:
            yield "padded", whole + bytes(r.randint(1, 60))
    for kind in (1, 2, 3, 4, 100, 127, 128, 129, 137, 200):
        message = bytes([kind, 0, 0, 0]) + bytes(60)
        for hop in (64, 1):
            yield f"icmp6 {kind} hop {hop}", ip6(message, proto=58, hop=hop)
            yield f"icmp6 {kind} behind options hop {hop}", ip6(extension(60, b"", 58) + message, proto=60, hop=hop)
            yield f"icmp6 {kind} fragment hop {hop}", ip6(fragment(58, 0, 1) + message, proto=44, hop=hop)
        yield f"icmp6 {kind} unroutable", ip6(message, dst="2001:db8::9", proto=58)
        yield f"icmp6 {kind} big", ip6(message + bytes(1340), dst=SMALL6, proto=58)
    for _ in range(100):
        yield "random", r.randbytes(r.randint(0, 120))
    for _ in range(150):
        p = bytearray(r.choice([ip6(some(0, 60)), ip6(extension(0, r.randbytes(6), 17) + udp(8), proto=0)]))
        for _ in range(r.randint(1, 3)):
            p[r.choice([*range(24), *range(40, 48)])] = r.getrandbits(8)  # not the destination
        yield "mutated", bytes(p)


def fragment(following, offset, more, ident=7):
    return struct.pack("!BBHI", following, 0, offset << 3 | more, ident)


def _extension_packets(r):
    options = {
        "padn": b"\1\4\0\0\0\0", "padn 7": b"\1\5" + bytes(5) + b"\x1e\0" + bytes(3), "padn too long": b"\1\x0c" + bytes(12),
        "padn hides": b"\1\4\0\1\0\0", "router alert": b"\5\2\0\0\1\0", "router alert odd": b"\5\3\0\0\0\1\0",
        "skip": b"\x1e\4\0\0\0\0", "discard": b"\x5e\4\0\0\0\0",
        "problem": b"\x9e\4\0\0\0\0", "problem unless multicast": b"\xde\4\0\0\0\0", "length past end": b"\x1e\x40\0\0\0\0",
        "pad1": b"\0\0\0\0\0\0", "pad1 too many": bytes(14), "jumbo": b"\xc2\4\0\0\0\0", "jumbo small": b"\xc2\4\0\0\1\0",
        "many pads": b"\1\4\0\0\0\0" + b"\1\6" + bytes(6), "eight": b"\x1e\0" * 8 + b"\1\4\0\0\0\0",
        "nine": b"\x1e\0" * 9 + b"\1\2\0\0", "empty": b"",
    }
    for name, option in options.items():
        for hop in (64, 1):
            yield f"hop-by-hop {name} hop {hop}", ip6(extension(0, option, 17) + udp(8), proto=0, hop=hop)
        yield f"hop-by-hop {name} unroutable", ip6(extension(0, option, 17) + udp(8), proto=0, dst="2001:db8::9")
        yield f"hop-by-hop {name} big", ip6(extension(0, option, 17) + udp(1300), proto=0, dst=SMALL6)
        yield f"hop-by-hop {name} to a group", ip6(extension(0, option, 17) + udp(8), proto=0, dst="ff0e::1")
        yield f"destination options {name}", ip6(extension(60, option, 17) + udp(8), proto=60)
        yield f"destination options {name} hop 1", ip6(extension(60, option, 17) + udp(8), proto=60, hop=1)
    jumbogram = extension(0, b"\xc2\4" + struct.pack("!I", 65536), 17) + udp(8)
    yield "jumbogram", ip6(jumbogram, proto=0, length=0)
    yield "hop-by-hop length 0", ip6(extension(0, b"\1\4\0\0\0\0", 17) + udp(8), proto=0, length=0)
    yield "hop-by-hop too long", ip6(b"\x11\x20" + bytes(6) + udp(8), proto=0)
    yield "hop-by-hop cut", ip6(b"\x11\0\1\2", proto=0)
    yield "hop-by-hop second", ip6(extension(60, b"", 0) + extension(0, b"", 17) + udp(8), proto=60)
    yield "hop-by-hop twice", ip6(extension(0, b"", 0) + extension(0, b"", 17) + udp(8), proto=0)
    for kind in (0, 1, 2, 3, 4, 253):
        for left in (0, 1, 9):
            header = bytes([17, 2, kind, left]) + bytes(20)
            for hop in (64, 1):
                yield f"routing header {kind} left {left} hop {hop}", ip6(header + udp(8), proto=43, hop=hop)
    for offset, more in ((0, 0), (0, 1), (1, 0), (185, 1), (8191, 0), (8191, 1)):
        for hop in (64, 1):
            yield f"fragment {offset} {more} hop {hop}", ip6(fragment(17, offset, more) + udp(r.randint(0, 200)), proto=44, hop=hop)
        yield f"fragment {offset} {more} big", ip6(fragment(17, offset, more) + udp(1300), proto=44, dst=SMALL6)
        yield f"fragment {offset} {more} unroutable", ip6(fragment(17, offset, more) + udp(8), proto=44, dst="2001:db8::9")
    yield "fragment cut", ip6(b"\x11\0\0\1", proto=44)
    yield "authentication", ip6(b"\x11\4" + bytes(22) + udp(8), proto=51)
    yield "chain", ip6(extension(0, b"", 60) + extension(60, b"", 43) + bytes([44, 2, 4, 0]) + bytes(20) + fragment(17, 0, 1) + udp(8), proto=0)
    for _ in range(100):
        yield "random hop-by-hop", ip6(extension(0, r.randbytes(8 * r.randint(1, 6) - 2), 17) + udp(8), proto=0,
                                       hop=r.choice([64, 1]))


def all_packets(seed=1):
    """A list of (name, frame)."""
    r = random.Random(seed)
    frames = [("ip4 " + name, eth(p)) for name, p in _ip4_packets(r)]
    frames += [("ip6 " + name, eth(p, 0x86DD)) for name, p in _ip6_packets(r)]
    for to, name in (("ff:ff:ff:ff:ff:ff", "broadcast"), ("01:00:5e:00:00:01", "multicast"), ("02:00:00:00:09:09", "other")):
        frames.append((f"ip4 to {name} MAC", eth(ip4(udp(8)), to=to)))
        frames.append((f"ip6 to {name} MAC", eth(ip6(udp(8)), 0x86DD, to=to)))
    for kind in (0x0000, 0x0100, 0x0806, 0x8100, 0x88A8, 0x8847, 0x9000, 0xFFFF):
        frames.append((f"type {kind:#06x}", eth(r.randbytes(40), kind)))
    frames += [("short frame", eth(b"")[: n]) for n in (14,)]
    return frames
