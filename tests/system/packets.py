# SPDX-License-Identifier: Apache-2.0
"""Crafted packets, good and bad, for comparing two routers.

Each is (name, frame).  The generator is seeded: a failure names a packet that can
be made again.
"""

import ipaddress
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


def icmp4(kind, code=0, body=b""):
    head = struct.pack("!BBHI", kind, code, 0, 0x00010001) + body
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def _ip4_packets(r):
    some = lambda low=0, high=1400: udp(r.randint(low, high))
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
    sources = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
               "10.0.1.1", "10.0.2.1", "10.0.1.255", "10.0.1.0", "169.254.3.4", "192.0.2.7", "1.2.3.4"]
    destinations = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "224.0.0.1", "224.0.0.251", "239.1.1.1", "240.0.0.1",
                    "255.255.255.255", "10.0.2.255", "10.0.2.0", "10.0.1.255", "169.254.3.4", "10.66.0.1", "10.67.0.1",
                    "10.68.0.1", "10.70.0.1", "8.8.8.8"]
    for src in sources:
        for ttl in (64, 1):
            yield f"source {src}", ip4(some(0, 32), src=src, ttl=ttl)
    for dst in destinations:
        for ttl in (64, 1):
            yield f"destination {dst}", ip4(some(0, 32), dst=dst, ttl=ttl)
        yield f"destination {dst}", ip4(icmp4(8, 0, b"x" * 20), dst=dst, proto=1)
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
            yield f"icmp {kind}", ip4(icmp4(kind, 0, quoted), proto=1, ttl=ttl)
    for kind in (3, 4, 5, 11, 12, 8, 0):
        yield f"icmp {kind} unroutable", ip4(icmp4(kind, 0, quoted), dst="8.8.8.8", proto=1)
        yield f"icmp {kind} big", ip4(icmp4(kind, 0, bytes(1400)), dst=SMALL4, proto=1, flags=2)
    for _ in range(150):
        yield "random", r.randbytes(r.randint(0, 120))
    for _ in range(150):
        p = bytearray(ip4(some(0, 60)))
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
                          proto=r.choice([6, 17, 58, 132, 253]), cls=r.getrandbits(8), flow=r.getrandbits(20))
    for hop in range(256):
        yield "hop limit", ip6(some(0, 64), hop=hop)
    for _ in range(80):
        yield "big", ip6(some(1200, 1452), dst=SMALL6, proto=17)
    sources = ["::", "::1", "ff02::1", "fe80::2", "fd00:1::1", "::ffff:10.0.0.1", "2001:db8::1", "fd00:2::2"]
    destinations = ["::", "::1", "ff02::1", "ff0e::1", "ff01::1", "fe80::9", "fd66::1", "fd67::1", "fd68::1", "2001:db8::9",
                    "::ffff:10.0.0.1", "fd00:2::", "fd00:1::77:77"]
    for src in sources:
        for hop in (64, 1):
            yield f"source {src}", ip6(some(0, 32), src=src, hop=hop)
    for dst in destinations:
        if dst == "fd00:1::77:77":
            continue  # a neighbour that does not answer
        for hop in (64, 1):
            yield f"destination {dst}", ip6(some(0, 32), dst=dst, hop=hop)
    options = {
        "padn": b"\1\4\0\0\0\0", "router alert": b"\5\2\0\0\1\0", "skip": b"\x1e\4\0\0\0\0", "discard": b"\x5e\4\0\0\0\0",
        "problem": b"\x9e\4\0\0\0\0", "problem unless multicast": b"\xde\4\0\0\0\0", "length past end": b"\x1e\x40\0\0\0\0",
        "pad1": b"\0\0\0\0\0\0", "jumbo": b"\xc2\4\0\0\0\0", "many pads": b"\1\4\0\0\0\0" + b"\1\6" + bytes(6),
    }
    for name, option in options.items():
        for hop in (64, 1):
            yield f"hop-by-hop {name}", ip6(extension(0, option, 17) + udp(8), proto=0, hop=hop)
        yield f"destination options {name}", ip6(extension(60, option, 17) + udp(8), proto=60)
    yield "routing header", ip6(bytes([17, 2, 0, 1]) + bytes(20) + udp(8), proto=43)
    yield "fragment", ip6(bytes([17, 0, 0, 1]) + bytes(4) + udp(8), proto=44)
    yield "hop-by-hop second", ip6(extension(60, b"", 0) + extension(0, b"", 17) + udp(8), proto=60)
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
        for hop in (64, 1):
            yield f"icmp6 {kind}", ip6(bytes([kind, 0, 0, 0]) + bytes(60), proto=58, hop=hop)
        yield f"icmp6 {kind} unroutable", ip6(bytes([kind, 0, 0, 0]) + bytes(60), dst="2001:db8::9", proto=58)
        yield f"icmp6 {kind} big", ip6(bytes([kind, 0, 0, 0]) + bytes(1400), dst=SMALL6, proto=58)
    for _ in range(100):
        yield "random", r.randbytes(r.randint(0, 120))


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
