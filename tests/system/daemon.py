# SPDX-License-Identifier: Apache-2.0
"""One weftd beside the test, whose packets come from a file and go to a file.  Needs no
privilege."""

import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import captures
from lab import BIN

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
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen([BIN / "weftd", "--config", self.config(text)], stderr=log)
        self.addCleanup(self.end)
        for _ in range(500):
            if self.process.poll() is not None or self.weft("show", "pools").returncode == 0:
                break
            time.sleep(0.01)
        self.assertIsNone(self.process.poll(), self.log())

    def log(self):
        return (self.folder / "log").read_text()

    def end(self):
        """Ends it as an operator would; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)
