#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds in corpus/packet, corpus/nat, corpus/pcap, corpus/capsule, corpus/snow,
corpus/code_object and corpus/elf_object anew.

They are committed: run this when the format of an input changes.  The other seeds
are written by hand.  Needs code objects that were built: build/release, target pan_test; and
clang-14 and clang-19.
"""

import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from packets import ROUTER, all_packets, eth, extension, icmp4, ip4, ip6, mac, udp, udp6  # noqa: E402

PORT_B, WITH_NEXT, MEND, VNET = 1, 2, 4, 8
SLOTS, FOREIGN, FOREIGN_WRITABLE = 0x10, 0x20, 0x30
ANSWER, FAIL = 0x40, 0x80


def frame(data, flags=MEND, wait=0, split=0, vnet=b""):
    if vnet:
        flags |= VNET
    return struct.pack("<BBBH", flags, wait, split, len(data)) + vnet + data


def vnet(needs_checksum, kind, header, size, start, offset):
    return struct.pack("<BBHHHH", needs_checksum, kind, header, size, start, offset)


def fragments(payload, cuts, **keys):
    """IPv4 fragments of `payload`, cut at these multiples of 8."""
    edges = [0, *cuts, len(payload)]
    for begin, end in zip(edges, edges[1:]):
        yield ip4(payload[begin:end], flags=1 if end < len(payload) else 0, offset=begin // 8, **keys)


def arp(operation, sender_mac, sender, target_mac, target, to=ROUTER):
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac(sender_mac) + bytes(sender) + mac(target_mac) + bytes(target)
    return eth(body + bytes(18), 0x0806, to)


def tcp(payload, flags=0x18):
    return struct.pack("!HHIIBBHHH", 4000, 80, 1, 1, 0x50, flags, 1000, 0, 0) + payload


def packet_seeds():
    """(name, frames)"""
    own4, own6, own6_raw, host = "10.0.1.1", "fd00:1::1", "fd00:2::1", "02:00:00:00:01:02"
    six = lambda packet: eth(packet, 0x86DD)
    memories = [(0, 0), (SLOTS, 30), (FOREIGN, 0), (FOREIGN, 30), (FOREIGN_WRITABLE, 0), (FOREIGN_WRITABLE, 30)]
    everywhere = lambda data: [frame(data, MEND | memory, 0, split) for memory, split in memories]

    # To the node.
    yield "echo4", [frame(eth(ip4(icmp4(8, 0, b"ping"), dst=own4, proto=1)))]
    yield "echo4_raw", [frame(ip4(icmp4(8, 0, b"ping"), src="10.9.1.1", dst="10.0.2.1", proto=1), MEND | PORT_B)]
    yield "udp4_echo", everywhere(eth(ip4(udp(20), dst=own4, proto=17)))
    yield "udp4_no_port", [frame(eth(ip4(udp(20, dport=99), dst=own4, proto=17)))]
    yield "udp6", [frame(six(ip6(udp(20), dst=own6, proto=17)))]
    yield "udp6_echo", [frame(ip6(udp(20), src="fd09::1", dst=own6_raw, proto=17), MEND | PORT_B)]
    yield "no_protocol6", [frame(six(ip6(udp(20), dst=own6, proto=99)))]
    yield "arp_request", [frame(arp(1, host, (10, 0, 1, 2), "00:00:00:00:00:00", (10, 0, 1, 1), "ff:ff:ff:ff:ff:ff"), 0)]
    yield "arp_reply", [frame(arp(2, host, (10, 0, 1, 2), ROUTER, (10, 0, 1, 1)), 0)]
    own6_bytes = bytes.fromhex("fd000001000000000000000000000001")
    solicitation = bytes([135]) + bytes(7) + own6_bytes + b"\1\1" + mac(host)
    yield "solicitation", [frame(six(ip6(solicitation, dst=own6, proto=58, hop=255)))]
    yield "capsule", [frame(b"\1\0\0\x20\0\0\0\x40" + bytes(56), PORT_B), frame(eth(ip4(bytes(64), dst=own4, proto=253)))]

    # Forwarded.
    yield "forward4", everywhere(eth(ip4(udp(20), proto=17)))
    yield "forward6", everywhere(six(ip6(udp(20), proto=17)))
    yield "forward_back", [
        frame(ip4(udp(9), src="10.9.1.1", dst="10.0.1.2"), MEND | PORT_B),
        frame(ip6(udp(9), src="fd09::1", dst="fd00:1::2"), MEND | PORT_B),
    ]
    yield "hairpin", [frame(eth(ip4(udp(9), dst="10.0.1.2", src="10.0.1.3")))]
    yield "vector", [
        frame(eth(ip4(udp(8))), MEND | WITH_NEXT),
        frame(eth(ip4(udp(8), ttl=1)), MEND | WITH_NEXT),
        frame(eth(ip4(udp(8), options=b"\1\1\1\0")), MEND | WITH_NEXT),
        frame(eth(ip4(udp(8)))),
    ]
    yield "rewritten", [
        frame(eth(ip4(udp(8), proto=253))),
        frame(six(ip6(udp(8), proto=253))),
        frame(eth(ip4(udp(8, dport=9), proto=17))),
    ]
    yield "small_mtu", [
        frame(eth(ip4(udp(1200), dst="10.8.1.1"))),
        frame(eth(ip4(udp(1200), dst="10.8.1.1", flags=2)), MEND | FOREIGN),
        frame(six(ip6(udp(1300), dst="fd08::1"))),
    ]
    yield "longer_than_the_mtu", [frame(eth(ip4(udp(3000))))]
    yield "headers_apart", [
        frame(eth(ip4(udp(30), options=b"\7\x0b\4" + bytes(9))), MEND | SLOTS, 0, 20),
        frame(six(ip6(extension(0, b"\5\2\0\0\1\0", 17) + udp(8), proto=0)), MEND | FOREIGN, 0, 50),
    ]

    # Neighbours.
    unknown = [frame(ip4(udp(8), src="10.9.1.1", dst="10.0.1.77"), MEND | PORT_B),
               frame(ip6(udp(8), src="fd09::1", dst="fd00:1::77"), MEND | PORT_B)]
    yield "neighbour_answers", [*unknown, frame(b"x", ANSWER)]
    yield "neighbour_fails", [*unknown, frame(b"x", FAIL)]
    yield "neighbour_stays_silent", unknown

    # Fragments.
    data = udp(2000)
    whole = list(fragments(data, [800, 1600], dst=own4, proto=17, ident=7))
    middle = ip4(data[400:1200], dst=own4, proto=17, ident=7, flags=1, offset=50)
    yield "fragments4", [frame(eth(f)) for f in whole]
    yield "fragments4_backwards", [frame(eth(f), MEND | FOREIGN) for f in reversed(whole)]
    yield "fragments4_twice", [frame(eth(f)) for f in (whole[0], *whole)]
    yield "fragments4_overlap", [frame(eth(f)) for f in (whole[0], middle, *whole[1:])]
    yield "fragments4_late", [frame(eth(f), MEND, wait) for f, wait in zip(whole, (0, 100, 180))]
    yield "fragments4_forwarded", [frame(eth(f)) for f in fragments(data, [800, 1600], proto=17)]
    piece = lambda begin, end, more: six(
        ip6(bytes([17, 0]) + struct.pack("!HI", begin | more, 9) + data[begin:end], dst=own6, proto=44))
    yield "fragments6", [frame(piece(0, 800, 1)), frame(piece(800, 1600, 0))]
    yield "fragments6_overlap", [frame(piece(0, 800, 1)), frame(piece(400, 1600, 0))]
    echoed = udp6(2000, "fd09::1", own6_raw)
    yield "fragments6_echo", [
        frame(ip6(bytes([17, 0]) + struct.pack("!HI", begin | more, 9) + echoed[begin:begin + 1008],
                  src="fd09::1", dst=own6_raw, proto=44), PORT_B) for begin, more in ((1008, 0), (0, 1))]

    # What a device leaves for later.
    yield "tcp_offload", [frame(eth(ip4(tcp(b"x" * 600), proto=6)), 0, 0, 0, vnet(1, 1, 54, 200, 34, 16))]
    yield "tcp6_offload", [frame(six(ip6(tcp(b"x" * 600), proto=6)), 0, 0, 0, vnet(1, 4, 74, 200, 54, 16))]
    yield "udp_unfinished", [
        frame(eth(ip4(udp(100), proto=17)), MEND | FOREIGN, 0, 42, vnet(1, 0, 0, 0, 34, 6)),
        frame(eth(ip4(udp(100), dst=own4, proto=17)), MEND, 0, 0, vnet(1, 0, 0, 0, 34, 6)),
    ]
    yield "udp_segments", [frame(eth(ip4(udp(900), proto=17)), MEND, 0, 0, vnet(1, 5, 42, 300, 34, 6))]

    yield from differential_seeds()


def differential_seeds():
    """Of every kind of packet that the differential test has, the first short one, as it is."""
    kinds = {}
    for name, data in all_packets():
        if 0 < len(data) < 700:
            kinds.setdefault(name, data)
    families = {}
    for name, data in kinds.items():
        families.setdefault("_".join(name.split(" ")[:2]), []).append(frame(data, 0))
    for name, frames in families.items():
        for i in range(0, len(frames), 12):
            yield f"differential_{name}_{i // 12}", frames[i : i + 12]


def pcap(frames, link=1, magic=0xA1B2C3D4, order="<", snap=65535, time=1000):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
    for i, data in enumerate(frames):
        out += struct.pack(order + "IIII", time + i, i, min(len(data), snap), len(data)) + data[:snap]
    return out


def block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(frames, link=1, order="<", simple=False):
    out = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    options = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
    out += block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)
    for i, data in enumerate(frames):
        padded = data + b"\0" * (-len(data) % 4)
        if simple:
            out += block(3, struct.pack(order + "I", len(data)) + padded, order)
        else:
            out += block(6, struct.pack(order + "IIIII", 0, 0x60000, 5 + i, len(data), len(data)) + padded, order)
    return out


def pcap_seeds():
    frames = [eth(ip4(udp(20))), eth(ip6(udp(9)), 0x86DD), eth(ip4(icmp4(8, 0, b"ping"), proto=1))]
    raw = [f[14:] for f in frames]
    yield "ethernet", pcap(frames)
    yield "raw", pcap(raw, link=101)
    yield "raw4", pcap(raw[:1], link=228)
    yield "nanoseconds", pcap(frames, magic=0xA1B23C4D)
    yield "big_endian", pcap(frames, order=">")
    yield "after_2038", pcap(frames, time=0x88070605)
    yield "snapped", pcap(frames, snap=20)
    yield "no_frames", pcap([])
    yield "empty_frame", pcap([b"", frames[0]])
    yield "long_frame", pcap([bytes(3000)], snap=262144)
    yield "cut_off", pcap(frames)[:-5]
    yield "other_link", pcap(frames, link=113)
    yield "pcapng", pcapng(frames)
    yield "pcapng_raw", pcapng(raw, link=101)
    yield "pcapng_big_endian", pcapng(frames, order=">")
    yield "pcapng_simple", pcapng(frames, simple=True)
    yield "pcapng_two_sections", pcapng(frames[:1]) + pcapng(frames[1:])
    yield "pcapng_unknown_block", pcapng(frames[:1]) + block(0x0BAD, b"what")
    yield "pcapng_cut_off", pcapng(frames)[:-7]
    yield "no_pcap", b"GET / HTTP/1.0\r\n\r\n"


PING, CAPSULE_MEND, CAPSULE_FOREIGN, WRITABLE, CAPSULE_NEXT, OWN_PING = 1, 2, 4, 8, 16, 32


def capsule(body, flags=PING, split=0, ttl=32, length=None, version=1, reserved=bytes(7)):
    data = struct.pack("!BBHI", version, 0, ttl, 64 + len(body) if length is None else length) + address(1)
    data += b"\1" + bytes(32) + reserved + body
    return struct.pack("<BBH", flags, split, len(data)) + data


def address(host):
    return bytes(10) + b"\xff\xff" + bytes([10, 0, 0, host])


def ping(destination, source=9, direction=0, cookie=0, payload=b""):
    return address(destination) + address(source) + struct.pack("!BBHHHIQ", direction, 0, 0, 0, 0, 1, cookie) + payload


def capsule_seeds():
    yield "to_the_middle", capsule(ping(2))
    yield "to_the_end", capsule(ping(3, payload=b"payload"))
    yield "to_the_first", capsule(ping(1))
    yield "beyond", capsule(ping(4, 200))
    yield "back", capsule(ping(3, 200, 1)) + capsule(ping(3, 1, 1, cookie=1 << 63))
    yield "in_circles", capsule(ping(70, 70))
    yield "no_route", capsule(address(0)[:15] + b"\7" + ping(1)[16:])
    yield "ttl_1", capsule(ping(3), ttl=1)
    yield "ttl_0", capsule(ping(3), ttl=0)
    yield "unknown_code", capsule(ping(3), flags=0)
    yield "no_body", capsule(b"")
    yield "short", struct.pack("<BBH", 0, 0, 10) + bytes(10)
    yield "lying_length", capsule(ping(3), length=4000) + capsule(ping(3), length=10)
    yield "padded", capsule(ping(3) + bytes(9), length=64 + 52)
    yield "reserved", capsule(ping(3), reserved=b"\0\0\1\0\0\0\0")
    yield "other_version", capsule(ping(3), version=2)
    yield "split", capsule(ping(3), PING | CAPSULE_FOREIGN, 30) + capsule(ping(3), PING | CAPSULE_FOREIGN | WRITABLE, 100)
    yield "foreign", capsule(ping(3), PING | CAPSULE_FOREIGN) + capsule(ping(3), PING | CAPSULE_FOREIGN | WRITABLE)
    yield "vector", capsule(ping(3), PING | CAPSULE_NEXT) * 5 + capsule(ping(2))
    yield "beside_its_own", capsule(ping(3), PING | OWN_PING) * 3
    yield "mended", capsule(ping(3), PING | CAPSULE_MEND, length=1, version=9)


def nat_seeds():
    """(name, packets of both sides), as fuzz_nat.cc reads them."""
    inside, outside, server = "10.0.0.2", "192.0.2.1", "198.51.100.7"
    step = lambda side, packet, seconds=0: struct.pack("<BH", side | (seconds // 8) << 1, len(packet)) + packet
    out = lambda payload, proto, seconds=0, **keys: step(1, ip4(payload, src=inside, dst=server, proto=proto, **keys), seconds)
    back = lambda payload, proto, seconds=0: step(0, ip4(payload, src=server, dst=outside, proto=proto), seconds)
    sent = ip4(udp(20), src=outside, dst=server, proto=17)
    yield "udp", [out(udp(20), 17), back(udp(20, sport=7, dport=4000), 17)]
    yield "udp_late", [out(udp(20), 17), back(udp(20, sport=7, dport=4000), 17, 304)]
    yield "tcp", [out(tcp(b"", 2), 6), back(struct.pack("!HH", 80, 4000) + tcp(b"", 18)[4:], 6), out(tcp(b"x", 17), 6)]
    yield "ping", [out(icmp4(8, 0, b"ping"), 1), back(icmp4(0, 0, b"ping"), 1)]
    yield "error", [out(udp(20), 17), back(icmp4(3, 3, sent), 1)]
    yield "hairpin", [out(udp(20), 17), step(1, ip4(udp(20, sport=9, dport=4000), src="10.0.0.3", dst=outside, proto=17))]
    yield "fragment", [out(udp(40), 17, flags=1), out(bytes(16), 17, offset=6)]


def section(kind, body):
    return struct.pack("!HHI", kind, 0, len(body)) + body


def code_object(sections, magic=b"WEFTPCO", kind=1, type=1, version=1, pni=1, count=None):
    count = len(sections) if count is None else count
    return magic + bytes([kind]) + bytes(32) + struct.pack("!HHHH", type, version, pni, count) + b"".join(sections)


def code_object_seeds():
    mended, evaluated = 1, 3
    build = HERE.parents[1] / "build" / "release"
    for folder in ("share/weft/code", "tests/unit/pan_ee/code"):
        for file in sorted((build / folder).glob("*.pco")):
            yield file.stem, bytes([evaluated]) + file.read_bytes()
    file = (build / "share/weft/code/forward.pco").read_bytes()
    yield "as_it_is", b"\0" + file
    yield "misnamed", b"\0" + file[:9] + b"!" + file[10:]
    yield "cut_off", bytes([mended]) + file[:-4]
    yield "no_accept", bytes([evaluated]) + file.replace(b"accept", b"Accept")
    yield "sha1", bytes([mended]) + code_object([section(2, b"x"), section(3, b"y")], kind=2)
    yield "md5", bytes([mended]) + code_object([section(2, b"x"), section(3, b"y")], kind=3)
    yield "other_version", bytes([mended]) + code_object([section(2, b"x")], version=2)
    yield "other_pni", bytes([evaluated]) + code_object([section(2, b"x"), section(3, b"y")], pni=2)
    yield "no_sections", bytes([mended]) + code_object([])
    yield "many_sections", bytes([mended]) + code_object([section(2, b"x")], count=65535)
    yield "twice", bytes([mended]) + code_object([section(2, b"x"), section(2, b"x")])
    yield "backwards", bytes([mended]) + code_object([section(3, b"x"), section(2, b"x")])
    yield "unprintable", bytes([mended]) + code_object([section(2, b"\xff\0"), section(3, b"y")])
    yield "lying_length", bytes([mended]) + code_object([section(2, b"x")])[:-5] + b"\xff\xff\xff\xffx"
    yield "not_one", b"\0\x7fELF"


# The deeds of a hostile EE (hostile_ee.cc).
GREET, ROUNDS = b"\x01", b"\x09"
ROOT, DOMAIN, IN, OUT = 3, 4, 5, 6  # its handles, in the order in which it gets them


def snow_seeds():
    def make(what, *handles):
        return bytes([3, what, *handles])

    def call(number, handle, body=b"", least=0):
        return bytes([2, number, handle, len(body)]) + body + bytes([least])

    def send(opening, offset=0, length=64, more=0):
        return struct.pack("<BBHHB", 6, opening, offset, length, more)

    def lend(slot):
        return struct.pack("<BH", 7, slot)

    def poke(region, at, data):
        return struct.pack("<BBHB", 5, region, at, len(data)) + data

    def inject(data):
        return bytes([8, len(data)]) + data

    channels = GREET + make(0, ROOT) + make(16, DOMAIN) + make(17, DOMAIN) + make(19, DOMAIN, IN)
    yield "greeting", GREET + ROUNDS
    yield "no_greeting", call(2, ROOT, bytes(8))
    yield "raw", b"\x00" + struct.pack("<HIHHIi", 16, 16, 1, 1, 1, 0)
    yield "channels", channels + ROUNDS
    yield "cut", GREET + make(18, ROOT) + inject(b"through") + ROUNDS
    yield "receives", channels + lend(0) + lend(33) + inject(b"hello") + inject(b"again") + ROUNDS
    yield "lends_nothing", channels + inject(b"hello") * 3 + ROUNDS
    yield "lends_badly", channels + lend(65535) + lend(0) + inject(b"hello") + ROUNDS
    yield "sends", channels + send(3) + send(3, 100, 2000) + send(3, 0, 10, 1) + send(3) + ROUNDS
    yield "sends_badly", channels + send(2) + send(0) + send(3, 65535, 65535) + send(3, 0, 9, 1) + ROUNDS
    yield "indices", channels + poke(0, 192, b"\xff" * 4) + poke(0, 384, b"\xff" * 4) + inject(b"x") + ROUNDS
    yield "consumer", channels + lend(0) + poke(0, 64, b"\x99" * 4) + inject(b"x") + ROUNDS
    yield "destroys", channels + call(9, IN) + call(14, OUT) + call(3, DOMAIN) + call(3, ROOT) + ROUNDS
    yield "of_another", channels + call(9, 1) + call(3, 2) + call(4, 0) + call(12, OUT) + ROUNDS
    yield "tuple", GREET + call(5, ROOT) + call(7, DOMAIN, bytes(40)) + call(6, DOMAIN)
    def files(what, handle, number=0, *more):
        return bytes([10, what, handle, number, *more])

    def number(*numbers):
        return struct.pack("<%dH" % len(numbers), *numbers)

    create, both = 4, 2
    opened = GREET + files(0, ROOT, create | both, 0, 1)  # "a"; its handle comes next, as DOMAIN does
    yield "file", opened + files(2, 4, 0) + number(0, 500, 500) + files(4, 4) + files(3, 4, 0) + number(500) + files(7, 4, 2) + files(7, 4)
    yield "file_at", opened + files(10, 4, 8) + number(9, 100, 100) + files(11, 4, 1) + number(65535) + files(12, 4, 7) + files(7, 4, 1)
    yield "file_too_long", opened + files(10, 4, 40) + number(65535, 9, 9) + files(60, 4, 255) + files(2, 4) + number(0, 9, 0) + files(4, 4, 200)
    yield "file_full", opened + (files(2, 4) + number(0, 65535, 65535)) * 5 + files(7, 4, 5)
    yield "file_open_to_the_end", opened + files(5, ROOT, 3, 0, 1) + files(2, 4) + number(0, 7, 7)
    yield "files_many", GREET + files(0, ROOT, create | both, 0, 1) * 12 + files(1, ROOT, 0, 6, 1) + files(7, ROOT, 5)
    yield "directories", GREET + files(5, ROOT, 1, 0, 1) + files(5, ROOT, 1, 0, 3) + files(1, ROOT, 0, 0, 1) + files(7, 4, 3) * 3 + files(7, 4, 4) + files(5, ROOT, 2, 0, 3)
    yield "renames", opened + files(6, ROOT, 0, 0, 1, 10, 1) + files(5, ROOT, 0, 10, 1) + files(6, ROOT, 0, 10, 1, 7, 4)
    yield "up", GREET + files(0, ROOT, create | both, 7, 4) + files(1, ROOT, 0, 7, 2) + files(5, ROOT, 1, 7, 4) + files(5, ROOT, 0, 4, 7)
    yield "files_of_another", opened + files(7, 0) + files(2, ROOT) + number(0, 9, 9) + files(7, 1, 3) + files(0, 4, create, 0, 1)
    yield "connects", channels + make(32, IN, OUT) + call(10, IN) + inject(b"through") + ROUNDS + call(14, OUT)
    yield "addresses", channels + make(33, OUT) + make(97, OUT, 3) + send(4) + call(49, OUT + 1) + ROUNDS
    yield "hands_off", channels + send(2, 0, 9) + send(2, 9, 64) + call(9, IN) + send(2) + ROUNDS
    yield "credentials", GREET + make(35) + make(34, 9) + make(34, 9) + make(98, 0) + call(53, ROOT) + call(52, ROOT)
    yield "talks", GREET + call(19, ROOT, struct.pack("<iiII", 2, 0, 0, 0)) + call(20, 0, bytes(8)) + call(99, 0)


OBJECTS = {
    "everything": """
        static const char msg[] = "hello"; static int tab[4] = {1, 2, 3, 4}; static int z[10];
        __attribute__((noinline)) static int f(int a) { z[a & 7] += a; return tab[a & 3] + msg[a & 3]; }
        int helper(int); int (*fp[3])(int) = {f, f, helper};
        int g(int a) { return fp[a & 1](a) + f(a) + helper(a); }""",
    "variable": "extern int v; int helper(void); int f(void) { return v + helper(); }",
    "named_variable": "extern int v; int helper(void); int f(void) { return v + helper(); }",
    "constructor": "volatile int v; __attribute__((constructor)) static void c(void) { v = 5; } int g(void) { return v; }",
    "types": "enum e { A }; struct s { enum e b; char d[9]; }; extern struct s v; int t(void*); int f(void) { return t(&v); }",
    "unverified": "int f(void) { __asm__ volatile(\"r10 = 0\"); return 1; }",
    "aligned": "int a __attribute__((aligned(256))) = 1; int b[99] __attribute__((aligned(64))); int f(int n) { return a + b[n]++; }",
}

WITH_BTF = ("named_variable", "types")


def elf_object_seeds():
    for compiler, cpu in (("clang-14", "v3"), ("clang-19", "v4")):
        for name, text in OBJECTS.items():
            words = [compiler, "-target", "bpf", "-mcpu=" + cpu, "-O2", "-ffreestanding", "-x", "c", "-c", "-", "-o", "-"]
            if name in WITH_BTF:
                words.append("-g")
            data = subprocess.run(words, input=text.encode(), capture_output=True, check=True, cwd="/").stdout
            yield f"{name}_{compiler[-2:]}", data
    yield "bitcode", b"BC\xc0\xde" + bytes(12)
    yield "cut_off", data[:200]


def write(folder, seeds):
    target = HERE / "corpus" / folder
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    for name, data in seeds:
        (target / name).write_bytes(data)


write("packet", ((name, b"".join(frames)) for name, frames in packet_seeds()))
write("nat", ((name, b"".join(steps)) for name, steps in nat_seeds()))
write("pcap", pcap_seeds())
write("capsule", capsule_seeds())
write("snow", snow_seeds())
write("code_object", code_object_seeds())
write("elf_object", elf_object_seeds())
