#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""EEs that take without end are stopped at their limits, each with the right word, and their
neighbour's traffic is whole."""

import os
import re
import socket
import subprocess
import time
import unittest
from pathlib import Path

import lab as laboratory
from closed_loop import Loop
from lab import Lab, Weftd
from promptness import crowding, expect_gone_soon, seconds_to_die
from weftd import BIN

CONFIG = """
[node]
kernel_routes = false
default_paths = false
pool_packets = 4096
pages = "4K"
files = "{folder}/ee"

[partner.lan]
driver = "tap"
device = "lan"
link = "raw"
address = ["10.1.0.1/24"]

[ee.echo]
exec = ["{bin}/echo_ee", "lan/ip/udp", "(src=10.1.0.2, srcport=4000, dstport=7)"]

[ee.greedy]
exec = ["{bin}/greedy_ee", {words}]
memory = "{memory}"
cpu = 50
"""

SINK = '"lan/ip/udp", "(src=10.1.0.2, srcport=9, dstport=9)"'  # nobody listens there
SECONDS = 2
LEAST = 100  # datagrams that the neighbour's flow carries at least


# What the greedy one is given more to keep to; goes on in its table.
TENANT = """
principal = "tenant"

[principal.tenant]
channels = 10
paths = ["lan/ip/udp (srcport=9)"]
"""

# What every EE in a process of its own has.
SNOW = """
[snow]
socket = "{folder}/snow.sock"
packets = 128
"""

# Beside it, the same EE loaded into weftd.
LOADED = """
[ee.loaded]
load = "{lib}/greedy.so"
args = [%s]
"""

# Another process of the tenant's.
SECOND = """
[ee.second]
exec = ["{bin}/greedy_ee", "compute"]
principal = "tenant"
"""

LIB = BIN.parent / "tests/system"
GREEDY_EE = BIN / "greedy_ee"
MADE = 4094  # channels or domains that the greedy one can make: 4096 objects, of which two are domains
POOL = 4096  # packets of the node
PACKET = 2112  # bytes of the pool that a packet fills
ANSWERED_WITHIN = 0.5  # seconds; what an operator asks, on a busy machine


class Limits(unittest.TestCase):
    def start(self, words, memory="256M", more=""):
        self.lab = Lab()
        self.addCleanup(self.lab.__exit__, None, None, None)
        node, self.client = self.lab.host("r"), self.lab.host("c")
        config = (CONFIG + more).format(bin=BIN, lib=LIB, folder=self.lab.folder, words=words, memory=memory)
        self.weftd = Weftd(self.lab, node, config, control_groups=True)
        node.ip(f"link set lan netns {self.client.netns}")
        self.client.up("lan", "10.1.0.2/24")
        self.admin = self.weftd.admin()
        self.wait_for(lambda: len(self.channels("echo")) == 2)
        self.flow = Loop(self.client, "udp", "10.1.0.2:4000", "10.1.0.1:7")

    def wait_for(self, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.02)

    def log(self):
        return self.weftd.log.read_text()

    def channels(self, ee):
        return [row for row in self.admin.show("channels")["channels"] if row["ee"] == ee]

    def said(self, what):
        """(how much it got, what it was refused with)"""
        self.wait_for(lambda: f"greedy: {what}: " in self.log())
        got, refusal = re.search(rf"greedy: {what}: (\d+), then (.*)", self.log()).groups()
        return int(got), refusal

    def expect_neighbour_whole(self):
        self.flow.go()
        time.sleep(SECONDS)
        said = self.flow.rest()
        print(f"  {said['back'] / SECONDS:.0f} datagrams/s")
        self.assertEqual((said["lost"], said["twice"]), (0, 0), said)
        self.assertGreater(said["back"], LEAST)
        self.assertEqual(self.admin.ee("echo")["starts"], 1)

    def expect_good_end(self):
        """With the pool full and the books balanced, which weftd says by its exit code."""
        self.assertEqual(self.weftd.stop(), 0, self.log())
        self.assertNotIn("do not agree", self.log())

    def test_packets(self):
        self.start('"packets"')
        self.assertEqual(self.said("packets"), (1024, "AN_ENOMEM"))
        self.expect_neighbour_whole()
        self.expect_good_end()

    def test_hoarding(self):
        """What comes for an EE that gives nothing back is dropped in front of it, and leaves the pool to others."""
        self.start('"hoard", ' + SINK)
        self.wait_for(lambda: self.channels("greedy"))
        sender = self.client.udp_socket("10.1.0.2", 9)
        self.addCleanup(sender.close)

        def more():
            for _ in range(100):
                sender.sendto(bytes(100), ("10.1.0.1", 9))
            (channel,) = self.channels("greedy")
            return channel["dropped"] > 1000 and channel
        self.wait_for(more)
        (channel,) = self.channels("greedy")
        self.assertLessEqual(channel["out"], 1024)
        self.assertLess(self.admin.show("pools")["pools"][0]["in_use"], 1024)
        self.expect_neighbour_whole()
        self.expect_good_end()

    def test_sending(self):
        self.start('"send", ' + SINK)
        self.assertEqual(self.said("sent")[1], "AN_EQFULL")
        self.expect_neighbour_whole()
        self.expect_good_end()

    def expect_queues_bounded(self):
        """What it hands on to channels of its own, which rest, leaves most of the pool to others."""
        self.assertEqual(self.said("longest queue"), (0, "AN_EADMIT"))
        self.assertEqual(self.said("the first queue"), (POOL // 8, "AN_EQFULL"))
        handed, refusal = self.said("all queues")
        self.assertEqual(refusal, "AN_ENOMEM")  # of its own: they wait for room in the node
        self.assertLess(handed, POOL // 4 + 1100)
        self.expect_neighbour_whole()
        (pool,) = self.admin.show("pools")["pools"]
        self.assertLess(pool["in_use"], POOL // 2)
        self.assertEqual(pool["exhausted"], 0)
        queued = {row["ee"]: row["queued"] for row in self.admin.show("snow")["snow"]}
        self.assertTrue(POOL // 8 < queued["greedy"] <= POOL // 4, queued)
        self.expect_good_end()

    def test_queues(self):
        self.start('"queue", "lan/ip/udp"')
        self.expect_queues_bounded()

    def test_queues_of_a_principal_without_bounds(self):
        self.start('"queue", "lan/ip/udp"', more=TENANT.replace("channels = 10", "channels = 20").replace("srcport=9", "dstport=1-65535"))
        self.expect_queues_bounded()

    def test_sending_at_a_rate(self):
        self.start('"send-rated", ' + SINK)
        self.assertEqual(self.said("sent")[1], "AN_EBANDWIDTH")
        (before,), begin = self.channels("greedy"), time.monotonic()
        self.expect_neighbour_whole()
        (after,), end = self.channels("greedy"), time.monotonic()
        bits = 8 * (after["out_bytes"] - before["out_bytes"])
        self.assertGreater(bits, 0)
        self.assertLess(bits, 8e6 * (end - begin + 0.1))  # the burst is what the rate gives in 10 ms
        self.expect_good_end()

    def test_threads(self):
        self.start('"threads"')
        self.assertEqual(self.said("threads of the domain"), (16, "AN_ELIMIT"))
        got, refusal = self.said("threads of the C library")
        self.assertEqual(refusal, "EAGAIN")
        self.assertLess(16 + got, 64)
        self.expect_neighbour_whole()
        self.expect_good_end()

    def test_channels(self):
        self.start('"channels", ' + SINK)
        self.expect_neighbour_whole()  # while it opens them
        got, refusal = self.said("channels")
        self.assertEqual(refusal, "AN_ELIMIT")
        self.assertLess(got, 4096)  # objects
        self.assertEqual(len(self.channels("greedy")), got)
        self.expect_neighbour_whole()
        self.expect_good_end()

    def test_what_all_sessions_may_have(self):
        self.start('"packets"', more=SNOW)
        self.assertEqual(self.said("packets"), (128, "AN_ENOMEM"))
        self.expect_neighbour_whole()
        self.expect_good_end()

    def test_what_its_session_may_have(self):
        self.start('"packets"', more="packets = 256\n" + SNOW)
        self.assertEqual(self.said("packets"), (256, "AN_ENOMEM"))
        self.expect_good_end()

    def test_the_objects_of_its_session(self):
        self.start('"channels", ' + SINK, more="objects = 50\n" + SNOW)
        self.assertEqual(self.said("channels"), (48, "AN_ELIMIT"))  # and two domains
        self.expect_neighbour_whole()
        self.expect_good_end()

    def expect_ten_channels(self, ee):
        self.assertEqual(self.said("channels"), (10, "AN_ELIMIT"))
        self.assertEqual(len(self.channels(ee)), 10)
        self.expect_neighbour_whole()  # while it goes on asking
        self.assertEqual(len(self.channels(ee)), 10)
        self.expect_good_end()

    def test_a_principal(self):
        self.start('"channels", ' + SINK, more=TENANT)
        self.expect_ten_channels("greedy")

    def test_the_principal_of_its_user(self):
        self.start('"channels", ' + SINK, more=TENANT.replace('principal = "tenant"', 'user = "games"') + "uid = 5\n")
        self.expect_ten_channels("greedy")

    def test_the_principal_of_one_in_weftd(self):
        self.start('"descriptors"', more=LOADED % ('"channels", ' + SINK) + TENANT)
        self.expect_ten_channels("loaded")

    def test_the_threads_of_a_principal_in_weftd(self):
        """Each of its domains might have 16."""
        self.start('"descriptors"', more=LOADED % '"domains-threads"' + TENANT + "threads = 40\n")
        self.assertEqual(self.said("threads of its domains"), (40, "AN_ELIMIT"))
        self.wait_for(lambda: len(self.threads_in_weftd("weft-ee")) == 40)  # each takes its name
        self.expect_neighbour_whole()
        self.expect_good_end()

    def threads_in_weftd(self, name):
        tasks = Path(f"/proc/{self.weftd.process.pid}/task").iterdir()
        return [task for task in tasks if (task / "comm").read_text().strip() == name]

    def test_calls_of_one_in_weftd(self):
        """Its threads are served one after the other, and so is the operator, who can stop it."""
        self.start('"descriptors"', more=LOADED % '"calls"')
        self.assertEqual(self.said("callers"), (16, "AN_ELIMIT"))
        slowest = 0
        for _ in range(50):
            begin = time.monotonic()
            self.admin.show("domains")
            slowest = max(slowest, time.monotonic() - begin)
        print(f"  {1000 * slowest:.0f} ms at most for an answer")
        self.assertLess(slowest, ANSWERED_WITHIN)
        self.expect_neighbour_whole()
        begin = time.monotonic()
        self.weftd.weft("ee", "stop", "loaded")
        self.assertLess(time.monotonic() - begin, ANSWERED_WITHIN)
        self.expect_good_end()

    def test_the_memory_of_a_principal_in_weftd(self):
        self.start('"descriptors"', more=LOADED % '"packets"' + TENANT + "memory = 1048576\n")
        self.assertEqual(self.said("packets"), (2**20 // PACKET, "AN_ELIMIT"))
        self.expect_neighbour_whole()
        self.expect_good_end()

    def cpu_seconds(self, *ees):
        """What the processes of these EEs have used."""
        def used(ee):
            pid = self.admin.ee(ee)["place"].removeprefix("process ")
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime in proc(5)
        return sum(map(used, ees))

    def test_the_cpu_of_a_principal(self):
        """Its processes have it together; by themselves each would take more."""
        self.start('"compute"', more=TENANT + "cpu = 30\n" + SECOND)
        self.wait_for(lambda: self.cpu_seconds("second") > 0.1)
        if "runs without cpu limit" in self.log():
            self.assertEqual(self.log().count("runs without cpu limit"), 2)  # once for each
            self.skipTest("no control group bounds CPU time here")
        before, begin = self.cpu_seconds("greedy", "second"), time.monotonic()
        self.expect_neighbour_whole()
        percent = 100 * (self.cpu_seconds("greedy", "second") - before) / (time.monotonic() - begin)
        print(f"  {percent:.0f} percent of a CPU")
        self.assertGreater(percent, 10)
        self.assertLess(percent, 36)  # two periods in twenty may lie half outside
        self.expect_good_end()

    def test_files(self):
        """Each has its own, with a quota of its own, and none sees another's."""
        self.start('"files", "greedy", "../loaded/loaded"',
                   more="files_bytes = 5000\n" + LOADED % '"files", "loaded", "../greedy/greedy"' + "files_bytes = 3000\n")
        for name, length in (("greedy", 4096), ("loaded", 2048)):
            self.assertEqual(self.said(f"bytes of {name}"), (length, "AN_ELIMIT"))
            self.assertEqual(self.said(f"files of {name}"), (1, name))
            self.assertEqual(self.said(f"what others have of {name}"), (0, "AN_EPERM"))
            self.assertEqual((self.lab.folder / "ee" / name / name).stat().st_size, length)
        self.expect_good_end()

    def test_files_of_one_that_joins(self):
        """They are its user's, and nobody else's."""
        self.start('"files", "greedy", "greedy"', more=SNOW)
        self.said("bytes of greedy")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as joins:
            joins.connect(str(self.lab.folder / "snow.sock"))
            joined = subprocess.Popen([GREEDY_EE, "files", "joined", "../greedy/greedy"], pass_fds=[joins.fileno()],
                                      env={**os.environ, "WEFT_SNOW_FD": str(joins.fileno())})
        self.addCleanup(joined.wait)
        self.addCleanup(joined.terminate)
        self.assertEqual(self.said("files of joined"), (1, "joined"))
        self.assertEqual(self.said("what others have of joined"), (0, "AN_EPERM"))
        self.assertTrue((self.lab.folder / "ee" / f"@{os.getuid()}" / "joined").exists())
        row = next(row for row in self.admin.show("snow")["snow"] if row["ee"] == "")
        self.assertEqual((row["user"], row["place"]), (os.getuid(), f"process {os.getpid()}"))
        self.expect_good_end()

    def test_joining_without_end(self):
        """The log says who comes and goes as far as there is room, and how much it did not say."""
        self.start('"descriptors"', more=SNOW)
        begin = time.monotonic()
        for _ in range(1000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as joins:
                joins.connect(str(self.lab.folder / "snow.sock"))
        self.wait_for(lambda: len(self.admin.show("snow")["snow"]) == 2)
        seconds = int(time.monotonic() - begin) + 2
        self.expect_good_end()
        said = re.findall(r"snow: an EE.* (?:joins|leaves): ", self.log())
        lost = sum(map(int, re.findall(r"snow: (\d+) lines about EEs", self.log())))
        self.assertGreater(lost, 0)
        self.assertLessEqual(len(said), 50 * seconds)
        self.assertGreaterEqual(len(said) + lost, 2000)

    def test_sessions_are_shown(self):
        self.start('"channels", ' + SINK, more=TENANT)
        self.expect_neighbour_whole()
        rows = {row["ee"]: row for row in self.admin.show("snow")["snow"]}
        echo, greedy = rows["echo"], rows["greedy"]
        self.assertGreater(min(echo["in"], echo["out"]), LEAST)
        self.assertEqual(echo["in"], echo["out"])  # what it got it gave back
        self.assertEqual((echo["faults"], echo["dropped"], echo["principal"]), (0, 0, ""))
        self.assertEqual((greedy["principal"], greedy["objects"]), ("tenant", 12))
        self.assertIn("tenant", self.weftd.weft("show", "snow").stdout)
        self.expect_good_end()

    def live_and_die(self, what):
        """It makes all of these that it may, and is killed.  Returns in how many seconds, from the kill, nothing of it
        was left, and how crowded the CPUs were."""
        if self.admin.ee("greedy")["state"] == "failed":
            self.weftd.weft("ee", "start", "greedy")
        starts = self.admin.ee("greedy")["starts"]
        self.wait_for(lambda: self.log().count(f"greedy: {what}: ") == starts)
        self.assertGreaterEqual(len(self.rows(what)), MADE)
        pid, crowded = int(self.admin.ee("greedy")["place"].removeprefix("process ")), crowding()
        killed = time.monotonic()
        seconds_to_die(pid)
        while self.admin.ee("greedy")["state"] != "failed":
            self.assertLess(time.monotonic() - killed, 10, self.log())
            time.sleep(0.001)
        gone = time.monotonic() - killed
        self.assertEqual(self.rows(what), [])
        return gone, crowded

    def rows(self, what):
        return [row for row in self.admin.show(what)[what] if row["ee"] == "greedy"]

    def expect_all_gone_at_once(self, how, what):
        self.start(how, more='restart = "never"\n')
        self.flow.go()
        expect_gone_soon(self, "greedy", lambda: self.live_and_die(what))
        said = self.flow.rest()
        self.assertEqual((said["lost"], said["twice"]), (0, 0), said)
        self.expect_good_end()

    def test_thousands_of_channels_are_gone_at_once(self):
        self.expect_all_gone_at_once('"channels", ' + SINK, "channels")

    def test_thousands_of_domains_are_gone_at_once(self):
        self.expect_all_gone_at_once('"domains"', "domains")

    def test_thousands_of_deep_domains_are_gone_at_once(self):
        self.expect_all_gone_at_once('"domains-deep"', "domains")
        self.assertEqual(self.said("deep domains"), (63, "AN_ELIMIT"))  # and its own

    def expect_no_escape(self, ee):
        self.assertEqual(self.said("domains above it"), (0, "AN_ENOENT"))
        self.assertEqual(self.said("domains outside")[0], 0)
        self.assertEqual(self.said("channels"), (10, "AN_ELIMIT"))
        self.expect_neighbour_whole()
        self.weftd.weft("ee", "stop", ee)
        left = self.admin.show("domains")["domains"]
        self.assertEqual([row for row in left if row["ee"] == ee], [])
        self.assertEqual([row for row in self.admin.show("channels")["channels"] if row["ee"] != "echo"], [])
        self.expect_good_end()

    def test_escape(self):
        self.start('"escape", ' + SINK, more=TENANT)
        self.expect_no_escape("greedy")

    def test_escape_of_one_in_weftd(self):
        self.start('"descriptors"', more=LOADED % ('"escape", ' + SINK) + TENANT)
        self.expect_no_escape("loaded")

    def test_descriptors(self):
        self.start('"descriptors"')
        got, refusal = self.said("descriptors")
        self.assertEqual(refusal, "EMFILE")
        self.assertLess(got, 256)
        self.expect_neighbour_whole()
        self.expect_good_end()

    def test_a_memory_pool(self):
        self.start('"pool"')
        got, refusal = self.said("pages")
        self.assertEqual(refusal, "AN_ELIMIT")
        self.assertTrue(200 < got <= 256, got)  # of 1 MiB; the objects of its domains count too
        self.assertTrue(2**19 - 2**16 < self.said("bytes that the pool is over its limit")[0] <= 2**19)
        self.assertEqual(self.said("domain ended for reason")[1], "violation")
        self.expect_neighbour_whole()
        self.assertEqual(self.admin.ee("greedy")["state"], "running")  # what it did not lose
        self.expect_good_end()

    def test_memory(self):
        self.start('"memory"', memory="64M")
        if "runs without memory limit" in self.log():
            self.assertLess(self.said("megabytes")[0], 64)  # by RLIMIT_AS
        else:
            self.wait_for(lambda: self.admin.ee("greedy")["starts"] > 1)
            self.assertEqual(self.admin.ee("greedy")["last_end"], "killed by SIGKILL: over its memory limit")
        self.expect_neighbour_whole()  # while it is started and killed again
        self.expect_good_end()


if __name__ == "__main__":
    laboratory.main("__main__")
