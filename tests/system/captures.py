# SPDX-License-Identifier: Apache-2.0
"""Classic pcap files, as packets come from and go to without any privilege."""

import pathlib
import struct

ETHERNET, RAW = 1, 101  # link types


def write(path, link, packets):
    """`packets`: (us since 1970, bytes) of each."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
        for at, data in packets:
            file.write(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(data), len(data)) + data)


def read(path):
    """(us since 1970, bytes) of each packet."""
    data = pathlib.Path(path).read_bytes()
    magic, = struct.unpack_from("<I", data)
    per_us = {0xA1B2C3D4: 1, 0xA1B23C4D: 1000}[magic]
    at, packets = 24, []
    while at < len(data):
        seconds, part, length, original = struct.unpack_from("<IIII", data, at)
        assert length == original, "the record is cut"
        packets.append((seconds * 1_000_000 + part // per_us, data[at + 16:at + 16 + length]))
        at += 16 + length
    return packets
