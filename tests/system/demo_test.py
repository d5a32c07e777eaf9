#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration behind ./run.sh: as root, as nobody, and when it is interrupted.  It
shows what it promises, and leaves nothing behind."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import lab as laboratory
from weftd import BIN, ROOT

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


def processes_of(session):
    """Command lines of the processes of a session."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else []
            if stat and int(stat[3]) == session and stat[0] != "Z":
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class Demonstration(unittest.TestCase):
    """Runs a copy of the scripts and programs, so that a user of no rights can read it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-demo-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        for name in ("demo", "tests/system"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "bin").mkdir()
        for name in ("weft", "weftd"):
            shutil.copy(BIN / name, self.folder / "bin")
        shutil.copytree(BIN.parent / "share", self.folder / "share")
        for path in (self.folder, self.temporary):
            path.chmod(0o777)

    def start(self, *options, **rights):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", self.folder / "demo/demo.py", *options], text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder, **rights,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1",
                 "WEFT_BIN": str(self.folder / "bin"), "HOME": "/nonexistent"})
        self.addCleanup(self.process.stdout.close)

    def own_namespaces(self):
        names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.splitlines()
        pid = self.process.pid
        return [name for name in names if f"weft{pid}x" in name or f"weft-probe-{pid}" in name]

    def finish(self):
        """What it printed, and its exit code.  Nothing must be left."""
        said, _ = self.process.communicate(timeout=180)
        for _ in range(100):  # orphans of a namespace need a moment to be gone
            if not processes_of(self.process.pid):
                break
            time.sleep(0.05)
        self.assertEqual(processes_of(self.process.pid), [], said)
        self.assertEqual(self.own_namespaces(), [], said)
        self.assertEqual(list(self.temporary.iterdir()), [], said)
        return said, self.process.returncode

    def assert_shows_nodes(self, said):
        for words in ("2000 packets through them", "all whole, in order, TTL lowered", "active pings through three nodes",
                      "10 pings, 10 answered", "capsules in the middle: in 20", "path  ", "cycles/packet", "dropped",
                      "left/ip -> right     2000", "To go on", "docs/start.md", "./test.sh"):
            self.assertIn(words, said)
        self.assertNotIn("FAILED", said)
        self.assertNotIn("\033", said)

    def assert_shows_hosts(self, said):
        for words in ("host - weft router - host", "ping 10.0.2.2", "ping fd00:2::2", "10 of 10 answered", "60000 bytes, whole",
                      "iperf3 TCP 10.0.2.2", "iperf3 TCP fd00:2::2", "iperf3 UDP 10.0.2.2", "Mbit/s", "right/ip6 -> left",
                      "clean stop, all accounted for"):
            self.assertIn(words, said)

    def test_as_root(self):
        self.start()
        said, code = self.finish()
        self.assert_shows_hosts(said)
        self.assert_shows_nodes(said)
        self.assertEqual(code, 0, said)

    def test_as_nobody(self):
        """The whole of it where user namespaces are permitted; else a sentence says what is
        not shown."""
        self.start(**NOBODY)
        said, code = self.finish()
        if "No router between hosts is shown: " not in said:
            self.assertIn("Not root: the network is made in a user namespace of your own.\n", said)
            self.assert_shows_hosts(said)
        self.assert_shows_nodes(said)
        self.assertEqual(code, 0, said)

    def test_what_needs_no_privilege(self):
        self.start("--user", **NOBODY)
        said, code = self.finish()
        self.assertIn("No router between hosts is shown: as asked for.\n", said)
        self.assert_shows_nodes(said)
        self.assertEqual(code, 0, said)

    def test_nobody_reads_on(self):
        self.start()
        self.process.stdout.close()
        self.assertEqual(self.process.wait(timeout=180), 1)
        self.assertEqual((self.own_namespaces(), list(self.temporary.iterdir())), ([], []))

    def test_interrupted(self):
        """By Ctrl-C, which all processes of the terminal get, and by a signal to the first."""
        for delay in (0.5, 1, 2, 4):
            for number, all_get_it in ((signal.SIGINT, True), (signal.SIGTERM, False)):
                with self.subTest(delay=delay, number=number):
                    self.start()
                    time.sleep(delay)
                    if all_get_it:
                        os.killpg(self.process.pid, number)
                    else:
                        self.process.send_signal(number)
                    said, code = self.finish()
                    self.assertEqual(code, 128 + number, said)
                    self.assertNotIn("Traceback", said)


if __name__ == "__main__":
    laboratory.main("__main__")
