#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Traffic that tells each packet that does not come back.

A closed loop keeps a window of numbered packets under way: one that comes back lets the next one
go, so no queue overflows, however slow the machine is, and what is lost was lost by whom it went
through.  As a program it is one flow:

    closed_loop.py udp     LOCAL:PORT REMOTE:PORT           datagrams, to whoever sends them back
    closed_loop.py capsule LOCAL:PORT REMOTE:PORT FILE SOURCE DESTINATION
                                                            active pings, of the code object in FILE
    closed_loop.py tcp     LOCAL:PORT REMOTE:PORT           a block, and the next one when it is back
    closed_loop.py serve   LOCAL:PORT                       sends back what comes by UDP and TCP

Loop starts one in a namespace.  It reads "go" and "rest" from its input; at rest, when all is back or nothing has come for a while, it
answers with one line of JSON: sent, back and lost since it went, and how many came twice.
"""

import hashlib
import ipaddress
import json
import os
import select
import selectors
import socket
import struct
import subprocess
import sys

WINDOW = 64       # packets; less than any queue on the way holds
NUDGE = 0.05      # seconds without an answer after which one more packet goes, in case all were lost
PATIENCE = 3      # seconds without an answer after which what is out is lost
PAYLOAD = bytes(range(100))
BLOCK = 16 << 10  # bytes of a TCP block


class Commands:
    """The lines that come by standard input."""

    def __init__(self):
        self.rest = b""

    def next(self, seconds):
        """The next one; None when none comes in time.  Ends the program at the end of the input."""
        while b"\n" not in self.rest:
            if not select.select([0], [], [], seconds)[0]:
                return None
            read = os.read(0, 4096)
            if not read:
                sys.exit(0)
            self.rest += read
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()


def endpoint(text):
    address, port = text.rsplit(":", 1)
    return address, int(port)


class Datagrams:
    """The number, and padding."""

    def wrap(self, number):
        return struct.pack("!Q", number) + PAYLOAD

    def unwrap(self, packet):
        return struct.unpack_from("!Q", packet)[0] if packet[8:] == PAYLOAD else None


class Capsules:
    """Pings of pan_ee/code/ping.c, whose cookie is the number.  pan_ee/capsule.h has the header."""

    def __init__(self, file, source, destination):
        with open(file, "rb") as opened:
            self.name = b"\1" + hashlib.sha256(opened.read()[40:]).digest()
        self.ends = self.address(destination) + self.address(source)
        self.source = self.address(source)

    def address(self, text):
        return bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(text).packed

    def wrap(self, number):
        body = self.ends + bytes(8) + struct.pack("!IQ", number & 0xFFFFFFFF, number) + PAYLOAD
        header = struct.pack("!BBHI", 1, 0, 32, 64 + len(body)) + self.source + self.name + bytes(7)
        return header + body

    def unwrap(self, packet):
        direction, = struct.unpack_from("!B", packet, 64 + 32)
        return struct.unpack_from("!Q", packet, 64 + 44)[0] if direction == 1 and packet.endswith(PAYLOAD) else None


class Flow:
    def __init__(self, local, remote, form):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(endpoint(local))
        self.socket.connect(endpoint(remote))
        self.socket.setblocking(False)
        self.form = form
        self.number = 0  # of the packet that was sent last
        self.clear()

    def clear(self):
        self.out, self.sent, self.back, self.twice = set(), 0, 0, 0

    def send(self):
        try:
            self.socket.send(self.form.wrap(self.number + 1))
        except (BlockingIOError, ConnectionRefusedError):
            return
        self.number += 1
        self.sent += 1
        self.out.add(self.number)

    def receive(self, seconds):
        """False when nothing has come."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return False
        for _ in range(WINDOW):
            try:
                number = self.form.unwrap(self.socket.recv(4096))
            except (BlockingIOError, ConnectionRefusedError):
                break
            if number in self.out:
                self.out.discard(number)
                self.back += 1
            else:
                self.twice += 1
        return True

    def go(self, commands):
        self.clear()
        while commands.next(0) is None:
            for _ in range(WINDOW - len(self.out)):
                self.send()
            if not self.receive(NUDGE):
                self.send()

    def rest(self):
        while self.out and self.receive(PATIENCE):
            pass
        return {"sent": self.sent, "back": self.back, "lost": len(self.out), "twice": self.twice}


class Stream:
    """Over one TCP connection: what comes back is what was sent, or it is lost."""

    def __init__(self, local, remote):
        self.socket = socket.create_connection(endpoint(remote), 20, endpoint(local))
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A NAT that has forgotten the connection must hear of it from this side.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
            self.socket.setsockopt(socket.IPPROTO_TCP, option, 1)

    def go(self, commands):
        self.sent = self.back = self.lost = 0
        while commands.next(0) is None:
            block = os.urandom(BLOCK)
            self.socket.sendall(block)
            self.sent += 1
            got = b""
            while len(got) < BLOCK:
                got += self.socket.recv(BLOCK - len(got))
            self.back += got == block
            self.lost += got != block

    def rest(self):
        return {"sent": self.sent, "back": self.back, "lost": self.lost, "twice": 0}


class Loop:
    """This program in a namespace.  It stands back for the node, which is what is looked at."""

    def __init__(self, host, *words):
        self.process = host.start("nice", "python3", __file__, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        if (said := self.process.stdout.readline()) != "ready\n":
            raise RuntimeError(f"closed_loop.py said '{said}'")

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def go(self):
        self.tell("go")

    def rest(self):
        """How it went: {"sent", "back", "lost", "twice"}."""
        self.tell("rest")
        return json.loads(self.process.stdout.readline())


def run(flow):
    commands = Commands()
    print("ready", flush=True)
    while True:
        if commands.next(None) == "go":
            flow.go(commands)
            print(json.dumps(flow.rest()), flush=True)


def serve(local):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(endpoint(local))
    listener = socket.create_server(endpoint(local))
    waiting = selectors.DefaultSelector()
    for opened in (datagrams, listener):
        waiting.register(opened, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is datagrams:
                datagrams.sendto(*datagrams.recvfrom(4096))
            elif key.fileobj is listener:
                waiting.register(listener.accept()[0], selectors.EVENT_READ)
            elif block := key.fileobj.recv(1 << 16):
                key.fileobj.sendall(block)
            else:
                waiting.unregister(key.fileobj)
                key.fileobj.close()


def main():
    kind, words = sys.argv[1], sys.argv[2:]
    if kind == "serve":
        serve(*words)
    elif kind == "tcp":
        run(Stream(*words))
    else:
        run(Flow(*words[:2], Capsules(*words[2:]) if kind == "capsule" else Datagrams()))


if __name__ == "__main__":
    main()
