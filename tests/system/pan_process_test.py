#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PAN in a process of its own, behind the fences: its capsules are compiled there, one that faults is
lost alone, and what its arguments have wrong is said."""

import shutil
import subprocess
import time
import unittest

import lab as laboratory
from closed_loop import Capsules
from lab import Lab, Weftd
from weftd import BIN, ROOT

# More variables than a packed arena has room for (pan_ee/code_loader.h): in the others nothing lies at
# address 0, so reading there is a signal.
FAULT = """
#include "pni.h"
static uint8_t many[48 << 10];
void accept(pniStream* capsule, uint32_t length) {
  many[length & 1023] = *(volatile uint8_t*)8;
  pniCapsule_drop(PNI_DROP_DISCARD);
}
"""

CONFIG = """
[node]
kernel_routes = false
pool_packets = 1024
pages = "4K"

[partner.far]
driver = "udp"
local = "127.0.0.1:4000"
remote = "127.0.0.1:4001"

[ee.capsules]
exec = ["{bin}/pan_ee", {arguments}]
read = ["{code}"]
"""


class PanProcess(unittest.TestCase):
    def start(self, *arguments):
        self.lab = Lab()
        self.addCleanup(self.lab.__exit__, None, None, None)
        self.host = self.lab.host("h")
        self.code = self.lab.folder / "code"
        self.code.mkdir()
        self.lab.folder.chmod(0o755)
        shutil.copy(BIN.parent / "share/weft/code/ping.pco", self.code)
        (self.lab.folder / "fault.c").write_text(FAULT)
        subprocess.run([BIN / "weft-cc", "--code-object", "fault", "-I", ROOT / "pan_ee/code", "-o", self.code / "fault.pco",
                        self.lab.folder / "fault.c"], check=True)
        words = ", ".join(f'"{word.format(code=self.code)}"' for word in arguments)
        self.weftd = Weftd(self.lab, self.host, CONFIG.format(bin=BIN, arguments=words, code=self.code))

    def wait_for(self, text):
        deadline = time.monotonic() + 15
        while text not in self.weftd.log.read_text():
            self.assertLess(time.monotonic(), deadline, self.weftd.log.read_text())
            time.sleep(0.01)

    def expect_fault_and_ping(self, engine):
        self.start("address 10.99.0.1", "neighbour 10.99.0.9 far/pan", "code {code}", f"engine {engine}")
        self.wait_for(f"active node 10.99.0.1, 1 neighbours, 2 code objects, {engine}\n")
        wire = self.host.udp_socket("127.0.0.1", 4001)
        self.addCleanup(wire.close)
        wire.connect(("127.0.0.1", 4000))
        wire.settimeout(10)
        ping = Capsules(self.code / "ping.pco", "10.99.0.9", "10.99.0.1")
        fault = Capsules(self.code / "fault.pco", "10.99.0.9", "10.99.0.1")
        for number in range(1, 21):
            wire.send(fault.wrap(number))
            wire.send(ping.wrap(number))
            self.assertEqual(ping.unwrap(wire.recv(4096)), number)
        ee = self.weftd.admin().ee("capsules")
        self.assertEqual((ee["state"], ee["starts"]), ("running", 1))
        self.assertEqual(self.weftd.stop(), 0, self.weftd.log.read_text())
        self.wait_for("40 capsules came in, 20 went on, 20 were lost")

    def test_a_fault_in_compiled_code_is_the_capsule_s(self):
        self.expect_fault_and_ping("jit")

    def test_or_in_interpreted_code(self):
        self.expect_fault_and_ping("interpreter")

    def test_mistakes_are_said(self):
        for arguments, sentence in (
                (["address 10.99.0.1", "neighbor 10.99.0.9 far/pan"],
                 "argument 'neighbor 10.99.0.9 far/pan' begins with none of: address, neighbour, route"),
                (["neighbour 10.99.0.9 far/pan"], "a PAN node needs an address"),
                (["address 10.99.0.1", "neighbour 10.99.0.9 far/pam"], "no module 'pam'"),
                (["address 10.99.0.1", "code /no/such/folder"], "the folder of code objects /no/such/folder")):
            with self.subTest(sentence):
                self.start(*arguments)
                self.wait_for(sentence)
                self.assertEqual(self.weftd.stop(), 0, self.weftd.log.read_text())


if __name__ == "__main__":
    laboratory.main("__main__")
