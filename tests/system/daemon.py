# SPDX-License-Identifier: Apache-2.0
"""One weftd beside the test, whose packets come from a file and go to a file.  Needs no
privilege."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import captures
from weftd import BIN, Weftd

ENDLESS = "timed = true\npasses = 0"  # the same packets again and again

CONFIG = """
[node]
name = "r"
kernel_routes = false
default_paths = {default_paths}
pool_packets = 1024
pages = "4K"

[control]
socket = "{folder}/w.sock"

[partner.in]
driver = "pcap"
read = "{folder}/in.pcap"
link = "{link}"
{replay}

[partner.out]
driver = "pcap"
write = "{folder}/{out}"
link = "{link}"
{address}
"""


class Daemon(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-daemon-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def router(self, replay="", out="out.pcap"):
        """The config of a router from in.pcap to `out`, both without link headers."""
        return CONFIG.format(folder=self.folder, default_paths="true", link="raw", replay=replay, out=out,
                             address='address = ["10.99.2.1/24"]')

    def wire(self):
        """The config of frames that cross from in.pcap to out.pcap as they are."""
        return CONFIG.format(folder=self.folder, default_paths="false", link="ethernet", replay="", out="out.pcap",
                             address="") + '[[path]]\ntext = "in -> out"\n'

    def give(self, packets, link=captures.RAW):
        """(us, bytes) of each packet of in.pcap."""
        captures.write(self.folder / "in.pcap", link, packets)

    def config(self, text):
        file = self.folder / "w.toml"
        file.write_text(text)
        return file

    def weftd(self, *words, timeout=20):
        return subprocess.run([BIN / "weftd", *words], capture_output=True, text=True, timeout=timeout)

    def weft(self, *words, timeout=20, text=True):
        return subprocess.run([BIN / "weft", "--socket", self.folder / "w.sock", *words], capture_output=True,
                              text=text, timeout=timeout)

    def start(self, text):
        self.node = Weftd(self.folder, text)
        self.addCleanup(self.end)

    def log(self):
        return self.node.said()

    def end(self):
        """Ends it as an operator would; returns its exit code."""
        return self.node.stop()
