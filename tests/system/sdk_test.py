#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What cmake --install gives to those who write EEs: built out of the tree, in C and in C++,
with find_package and with pkg-config, and run by the weftd that was installed with it."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from weftd import BIN, ROOT, Weftd


BUILD = BIN.parent

NODE = """
[node]
kernel_routes = false
pool_packets = 1024
pages = "4K"
[partner.udp0]
driver = "udp"
local = "127.0.0.1:{local}"
remote = "127.0.0.1:{remote}"
address = ["10.99.1.1/24"]
"""

# Answers on port 9 with what it is written in, and its argument.
CPP = """
#include <nodeos_api/an_ee.h>
#include <cstring>
#include <string>
#include <vector>

namespace {
an_OutChan back;
std::string answer;
std::vector<int>& counts() { static std::vector<int> all; return all; }  // is destroyed with it

void receive(void*, an_Packet packet) {
  counts().push_back(1);
  if (void* data = an_packetGetData(&packet, answer.size())) {
    std::memcpy(data, answer.data(), answer.size());
    if (an_outchanSend(back, packet) == AN_OK) return;
  }
  an_packetFree(packet);
}
}  // namespace

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  answer = std::string("C++ ") + (argc > 1 ? argv[1] : "");
  const char* const addresses = argc > 2 ? argv[2] : "(dstport=9)";
  back = an_outchanCreate(nullptr, self, "udp0/ip/udp", addresses, nullptr);
  if (back == nullptr) return an_errno();
  return an_inchanCreate(nullptr, self, nullptr, "udp0/ip/udp", addresses, nullptr, receive, nullptr) ? AN_OK : an_errno();
}
"""

# Whole addresses: over Snow a packet does not know the way that it came.
FROM_US = "(src=10.99.1.2, srcport=4000, dstport={})"

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES C CXX)
find_package(weft 0.1 REQUIRED)
weft_ee(echo echo.c)
weft_ee(plus plus.cc)
"""


def run(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, **more)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout


def free_ports(count):
    holders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def checksum(data):
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def datagram(port, payload):
    """An IPv4 packet with a UDP datagram (no UDP checksum) from 10.99.1.2."""
    udp = (4000).to_bytes(2, "big") + port.to_bytes(2, "big") + (8 + len(payload)).to_bytes(2, "big") + bytes(2) + payload
    head = bytearray(bytes([0x45, 0]) + (20 + len(udp)).to_bytes(2, "big") + bytes([0, 0, 0, 0, 64, 17, 0, 0]) +
                     bytes([10, 99, 1, 2, 10, 99, 1, 1]))
    head[10:12] = checksum(head).to_bytes(2, "big")
    return bytes(head) + udp


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-sdk-"))
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.programs = (cls.prefix / "sbin/weftd", cls.prefix / "bin/weft")
        cls.project = cls.folder / "project"
        cls.project.mkdir()
        (cls.project / "CMakeLists.txt").write_text(CMAKE)
        (cls.project / "plus.cc").write_text(CPP)
        shutil.copy(ROOT / "examples/echo_ee.c", cls.project / "echo.c")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def start(self, ees):
        local, remote = free_ports(2)
        self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.wire.close)
        self.wire.bind(("127.0.0.1", remote))
        self.wire.connect(("127.0.0.1", local))
        self.wire.settimeout(5)
        self.weftd = Weftd(self.folder, NODE.format(local=local, remote=remote) + ees,
                           programs=self.programs)
        self.addCleanup(self.stop)

    def stop(self):
        self.assertEqual(self.weftd.stop(), 0, self.weftd.said())

    def answer(self, port, payload):
        self.wire.send(datagram(port, payload))
        return self.wire.recv(2048)

    def weft(self, *words):
        return self.weftd.weft(*words).stdout

    def expect_both_answer(self, folder):
        """Loaded, and in processes of their own: the same sources, the same answers."""
        self.expect_answers(f'[ee.echo]\nload = "{folder}/echo.so"\n[ee.plus]\nload = "{folder}/plus.so"\nargs = ["here"]\n')
        self.expect_answers(f'[ee.echo]\nexec = ["{folder}/echo", "udp0/ip/udp", "{FROM_US.format(7)}"]\n'
                            f'[ee.plus]\nexec = ["{folder}/plus", "here", "{FROM_US.format(9)}"]\n')

    def expect_answers(self, ees):
        self.start(ees)
        self.wait_for_channels(4)
        reply = self.answer(7, b"to be echoed")
        self.assertEqual(reply[28:], b"to be echoed")
        self.assertEqual((reply[12:16], reply[22:24]), (bytes([10, 99, 1, 1]), (4000).to_bytes(2, "big")))
        self.assertEqual(self.answer(9, b"to be written over")[28:], b"C++ hereitten over")
        self.assertRegex(self.weft("ee", "list"), r"(?m)^echo +running")
        self.weft("ee", "restart", "plus")
        self.wait_for_channels(4)
        self.assertEqual(self.answer(9, b"12345678")[28:], b"C++ here")
        self.assertIn("domain", self.weft("show", "domains").lower())
        self.assertRegex(self.weft("show", "channels"), r"echo +in +udp0/ip/udp \([^)]*dstport=7\) +1 ")
        self.weft("ee", "stop", "echo")
        self.assertRegex(self.weftd.said(), "echoed 1 datagrams")
        self.stop()

    def expect_new_life(self, folder):
        self.expect_new_life_of(f"{folder}/echo")

    def expect_new_life_of(self, program):
        """kill -9: its domain ends with its socket, it is started again, and answers."""
        self.start(f'[ee.echo]\nexec = ["{program}", "udp0/ip/udp", "{FROM_US.format(7)}"]\n')
        self.wait_for_channels(2)
        before = self.weftd.ee("echo")
        self.assertIsNotNone(before["domain"])
        os.kill(int(before["place"].removeprefix("process ")), signal.SIGKILL)
        for _ in range(500):
            if self.weftd.ee("echo")["starts"] == 2:
                break
            time.sleep(0.01)
        self.assertEqual(self.weftd.ee("echo")["last_end"], "killed by SIGKILL")
        self.wait_for_channels(2)
        self.assertEqual(self.answer(7, b"still there?")[28:], b"still there?")
        self.stop()

    def wait_for_channels(self, count):
        for _ in range(500):
            if len(self.weft("show", "channels").splitlines()) == 1 + count:
                return
            time.sleep(0.01)
        self.fail(self.weft("show", "channels") + self.weftd.said())

    def test_find_package(self):
        build = self.folder / "cmake-build"
        run("cmake", "-S", self.project, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror")
        run("cmake", "--build", build)
        self.expect_both_answer(build)

    def test_pkg_config(self):
        found = next(self.prefix.glob("lib*/**/pkgconfig"))
        env = {"PKG_CONFIG_PATH": str(found), "PATH": "/usr/bin:/bin"}
        flags = run("pkg-config", "--cflags", "weft", env=env).split()
        build = self.folder / "hand-build"
        build.mkdir()
        libs = run("pkg-config", "--libs", "weft-snow", env=env).split()
        for compiler, source, name in (("cc", "echo.c", "echo"), ("c++", "plus.cc", "plus")):
            common = [compiler, "-O2", "-Wall", "-Werror", *flags, self.project / source]
            run(*common, "-shared", "-fPIC", "-o", build / f"{name}.so")
            run(*common, "-o", build / name, *libs)
        self.expect_both_answer(build)
        self.expect_new_life(build)

    def test_a_prefix_by_a_symbolic_link(self):
        """As /opt/weft -> /opt/weft-0.1: weftd sees through it, what pkg-config says does not."""
        link = self.folder / "by-link"
        link.symlink_to(self.prefix)
        found = next(self.prefix.glob("lib*/**/pkgconfig")).relative_to(self.prefix)
        env = {"PKG_CONFIG_PATH": str(link / found), "PATH": "/usr/bin:/bin"}
        flags = run("pkg-config", "--cflags", "--libs", "weft-snow", env=env).split()
        self.assertIn(str(link), " ".join(flags))
        build = self.folder / "link-build"
        build.mkdir()
        run("cc", "-O2", "-o", build / "echo", self.project / "echo.c", *flags)
        self.assertIn(str(link), run("readelf", "-d", build / "echo"))
        (self.folder / "program-by-link").symlink_to(build / "echo")
        self.programs = (link / "sbin/weftd", link / "bin/weft")
        for program in (build / "echo", self.folder / "program-by-link"):
            with self.subTest(program):
                self.expect_new_life_of(program)

    def test_what_is_given_is_exactly_the_calls(self):
        for program in ("sbin/weftd", "lib/libweft-snow.so"):
            with self.subTest(program):
                self.expect_exactly_the_calls(self.prefix / program)

    def expect_exactly_the_calls(self, program):
        symbols = run("nm", "-D", "--defined-only", program)
        given = set(re.findall(r" T (\w+)@@WEFT_1$", symbols, re.M))
        header = "".join((self.prefix / "include/weft/nodeos_api" / name).read_text() for name in ("an.h", "an_snow.h"))
        header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
        declared = set(re.findall(r"\b(an_\w+)\((?!\*)[^;{]*\);", header))
        self.assertGreater(len(declared), 30)
        self.assertEqual(given, declared)
        # Beside them only what the linker copies from libraries, under their own names.
        others = [line for line in symbols.splitlines() if "WEFT_1" not in line and not re.search(r" [VB] ", line)]
        self.assertEqual(others, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
