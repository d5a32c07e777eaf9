#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""weftd and weft as an operator meets them: good and bad configs, start and stop,
what can be shown, traced and captured.  Needs no privilege: packets come from files."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo"))

from lab import BIN
from user_space import ACTIVE, packet, read_pcap, write_pcap

ROUTER = """
[node]
name = "r"
kernel_routes = false
pool_packets = 1024
pages = "4K"

[control]
socket = "{folder}/w.sock"

[partner.in]
driver = "pcap"
read = "{folder}/in.pcap"
timed = true
passes = 0
link = "raw"

[partner.out]
driver = "pcap"
write = "{folder}/out.pcap"
link = "raw"
address = ["10.99.2.1/24"]
"""


class Daemon(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

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

    def refusal(self, text):
        """What a weftd that cannot start says, without its log."""
        done = self.weftd("--config", self.config(text))
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr.strip().splitlines()[-1]


class Check(Daemon):
    def test_a_good_config(self):
        file = self.config(ROUTER.format(folder=self.folder))
        done = self.weftd("--check", "--config", file)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{file}: ok\n", ""))

    def test_the_default_config(self):
        done = self.weftd("--check")
        self.assertEqual((done.returncode, done.stdout), (0, "(default config): ok\n"), done.stderr)
        printed = self.weftd("--print-default").stdout
        done = self.weftd("--check", "--config", self.config(printed))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_mistake_has_its_place(self):
        file = self.config('[node]\nbusy = 1\n[partner.a]\ndriver = "udp"\nlocal = "x"\nremote = "127.0.0.1:9"\n'
                           '[[path]]\ntext = "a/ipp"\n')
        done = self.weftd("--check", "--config", file)
        self.assertEqual(done.returncode, 1)
        places = [line.split(": ")[0] for line in done.stderr.splitlines()]
        self.assertEqual(places, [f"{file}:2:8", f"{file}:5:9", f"{file}:8:11"], done.stderr)

    def test_wrong_usage(self):
        self.assertEqual(self.weftd("--chek").returncode, 2)
        self.assertEqual(self.weft("show", "everything").returncode, 2)
        self.assertEqual(self.weft("capture", "a/ip@near").returncode, 2)
        self.assertEqual(self.weft("trace", "a/ip", "0").returncode, 2)


class Start(Daemon):
    def test_an_unknown_interface(self):
        said = self.refusal(f'[control]\nsocket = "{self.folder}/w.sock"\n[partner.a]\ndriver = "af_packet"\n'
                            'device = "nosuch0"\n')
        self.assertIn(f"{self.folder}/w.toml:3:1: ", said)
        self.assertIn("nosuch0: no such interface", said)

    def test_a_busy_port(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            said = self.refusal(f'[control]\nsocket = "{self.folder}/w.sock"\n[partner.a]\ndriver = "udp"\n'
                                f'local = "127.0.0.1:{port}"\nremote = "127.0.0.1:9"\n')
        self.assertIn(f"127.0.0.1:{port}", said)
        self.assertIn("in use", said)

    @unittest.skipIf(os.geteuid() != 0, "needs root to give rights up")
    def test_a_missing_permission(self):
        file = self.config(f'[control]\nsocket = "{self.folder}/w.sock"\n[partner.a]\ndriver = "af_packet"\n'
                           'device = "lo"\n')
        os.chmod(self.folder, 0o777)
        done = subprocess.run([BIN / "weftd", "--config", file], capture_output=True, text=True, timeout=20,
                              user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 1)
        self.assertIn("needs CAP_NET_RAW", done.stderr.splitlines()[-1])

    def test_two_with_one_socket(self):
        write_pcap(self.folder / "in.pcap", [packet(0)])
        self.start(ROUTER.format(folder=self.folder))
        said = self.refusal(ROUTER.format(folder=self.folder))
        self.assertEqual(said, f"weftd: control socket {self.folder}/w.sock: another weftd uses it")
        self.assertEqual(self.weft("show", "run").returncode, 0)  # the first lives on

    def test_a_stale_socket_is_replaced(self):
        write_pcap(self.folder / "in.pcap", [packet(0)])
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.folder / "w.sock"))
        self.start(ROUTER.format(folder=self.folder))
        self.assertEqual(self.end(), 0, self.log())

    def test_no_weftd_answers(self):
        done = self.weft("show", "run")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no weftd listens at {self.folder}/w.sock", done.stderr)

    def test_ready_is_told_to_the_service_manager(self):
        write_pcap(self.folder / "in.pcap", [packet(0)])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self.folder / "notify"))
            manager.settimeout(10)
            os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            self.start(ROUTER.format(folder=self.folder))
            self.assertEqual(manager.recv(100), b"READY=1")
            self.assertEqual(self.end(), 0)
            self.assertEqual(manager.recv(100), b"STOPPING=1")


class ActivePing(Daemon):
    """Two active nodes over a UDP tunnel."""

    def start_node(self, name, local, remote, own, other):
        file = self.folder / f"{name}.toml"
        file.write_text(ACTIVE.format(name=name, local=local, remote=remote, address=own).replace("10.99.0.2", other))
        process = subprocess.Popen([BIN / "weftd", "--socket", self.folder / f"{name}.sock", "--config", file],
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        for _ in range(500):
            if self.ask(name, "show", "pools").returncode == 0:
                return process
            time.sleep(0.01)
        self.fail(f"{name} is not ready")

    def ask(self, name, *words):
        return subprocess.run([BIN / "weft", "--socket", self.folder / f"{name}.sock", *words], capture_output=True,
                              text=True, timeout=30)

    def test_ping(self):
        ports = []
        for _ in range(2):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        left = self.start_node("left", ports[0], ports[1], "10.0.0.1", "10.0.0.2")
        right = self.start_node("right", ports[1], ports[0], "10.0.0.2", "10.0.0.1")
        done = self.ask("left", "ping", "10.0.0.2", "-c", "5", "-i", "0.02")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("10.0.0.2: seq "), 5)
        self.assertIn("5 pings, 5 answered", done.stdout)
        done = self.ask("left", "--json", "ping", "10.0.0.2", "-c", "1", "-s", "1000")
        first = json.loads(done.stdout.splitlines()[0])
        self.assertEqual((first["status"], first["payload"], first["hops_out"]), ("answered", 1000, 1))
        done = self.ask("left", "ping", "nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("'nowhere' is not the address of an active node", done.stderr)
        right.terminate()
        self.assertEqual(right.wait(timeout=10), 0)
        done = self.ask("left", "ping", "10.0.0.2", "-c", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no ping was answered", done.stderr)
        left.terminate()
        self.assertEqual(left.wait(timeout=10), 0)


class Running(Daemon):
    """A router between two files; the packets come again and again."""

    def setUp(self):
        super().setUp()
        packets = [packet(n) for n in range(100)]
        packets[7] = packets[7][:8] + b"\x01" + packets[7][9:10] + self.checksum(packets[7]) + packets[7][12:]
        write_pcap(self.folder / "in.pcap", packets)
        self.start(ROUTER.format(folder=self.folder))

    @staticmethod
    def checksum(data):
        """Of the header with TTL 1."""
        from user_space import checksum
        return checksum(data[:8] + b"\x01" + data[9:10] + b"\0\0" + data[12:20]).to_bytes(2, "big")

    def show(self, what):
        done = self.weft("--json", "show", what)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def wait_for_packets(self, least):
        for _ in range(500):
            if sum(p["in"] for p in self.show("paths")["paths"]) >= least:
                return
            time.sleep(0.01)
        self.fail(f"no packets came: {self.show('paths')} {self.show('drops')}")

    def test_every_view_as_table_and_as_json(self):
        self.wait_for_packets(200)
        for what in ("run", "paths", "partner", "drops", "pools", "routes", "neighbours"):
            self.assertTrue(self.show(what))
            done = self.weft("show", what)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertNotIn("\033", done.stdout)
        self.assertIn("ttl_expired", self.weft("show", "drops").stdout)
        self.assertIn("in/ip -> out", self.weft("show", "run").stdout)
        self.assertEqual(self.show("pools")["pools"][0]["capacity"], 1024)

    def test_a_clean_stop_accounts_for_every_packet(self):
        self.wait_for_packets(500)
        self.assertEqual(self.end(), 0, self.log())
        balance = self.log().strip().splitlines()[-1]
        self.assertRegex(balance, r"stopped: \d+ in \+ \d+ made = \d+ out \+ \d+ dropped \+ \d+ held")
        came = list(read_pcap(self.folder / "out.pcap"))
        self.assertGreater(len(came), 300)
        self.assertTrue(all(p[8] == 63 for p in came if p[9] == 17))
        self.assertFalse((self.folder / "w.sock").exists())

    def test_trace(self):
        done = self.weft("trace", "in/ip -> out", "3", "udp port 7")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("packet "), 3)
        self.assertRegex(done.stdout, r"-> near +10\.99\.1\.2 > 10\.99\.2\.2 ttl 64  udp 4000 > 7 length 16")
        self.assertRegex(done.stdout, r"-> far +10\.99\.1\.2 > 10\.99\.2\.2 ttl 63  udp 4000 > 7 length 16")

    def test_trace_says_why_a_packet_died(self):
        done = self.weft("trace", "in/ip -> out", "1", "ip[8] == 1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"x +ip +dropped: TTL or hop limit reached zero \(ttl_expired\)")

    def test_trace_in_json(self):
        done = self.weft("--json", "trace", "in/ip -> out", "2")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({line["packet"] for line in lines[:-1]}, {1, 2})
        self.assertEqual(lines[-1]["end"], True)

    def test_mistakes_in_trace_and_capture(self):
        for words, said in (
            (["trace", "in/ip -> uot"], "no path 'in/ip -> uot', did you mean 'in/ip -> out'?"),
            (["trace", "in/ip -> out", "1", "udp prot 7"], "filter 'udp prot 7': "),
            (["capture", "in/ip -> out", "-w", "-"], "names no stage"),
            (["capture", "in/ip -> out@middle", "-w", "-"], "no stage 'middle'"),
        ):
            done = self.weft(*words)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)

    def test_one_tap_at_a_time(self):
        first = subprocess.Popen([BIN / "weft", "--socket", self.folder / "w.sock", "capture", "in/ip -> out@far",
                                  "-w", self.folder / "first.pcapng"], stderr=subprocess.DEVNULL)
        self.addCleanup(first.wait)
        self.addCleanup(first.terminate)
        for _ in range(200):
            if any(p["tapped"] for p in self.show("paths")["paths"]):
                break
            time.sleep(0.01)
        done = self.weft("trace", "in/ip -> out")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is being traced or captured already", done.stderr)

    def test_capture_to_a_file_and_to_a_pipe(self):
        for target in (self.folder / "c.pcapng", "-"):
            done = self.weft("capture", "in/ip -> out@far", "-w", target, "-c", "20", "udp", text=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            data = done.stdout if target == "-" else target.read_bytes()
            self.assertEqual(data[:4], b"\x0a\x0d\x0d\x0a")
            if shutil.which("tshark"):
                read = subprocess.run(["tshark", "-r", "-", "-T", "fields", "-e", "ip.ttl"], input=data,
                                      capture_output=True, timeout=60)
                self.assertEqual(read.stdout.split(), [b"63"] * 20, read.stderr)

    def test_a_capture_ends_well_when_interrupted(self):
        capture = subprocess.Popen([BIN / "weft", "--socket", self.folder / "w.sock", "capture", "in/ip -> out@near",
                                    "-w", self.folder / "c.pcapng"], stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        capture.send_signal(signal.SIGINT)
        _, said = capture.communicate(timeout=10)
        self.assertEqual(capture.returncode, 0)
        self.assertRegex(said, r"weft: \d+ packets captured")
        for _ in range(200):
            if not any(p["tapped"] for p in self.show("paths")["paths"]):
                return
            time.sleep(0.01)
        self.fail("the tap is still there")

    def test_stops_cleanly_under_a_trace(self):
        trace = subprocess.Popen([BIN / "weft", "--socket", self.folder / "w.sock", "trace", "in/ip -> out", "10000"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        self.assertEqual(self.end(), 0, self.log())
        _, said = trace.communicate(timeout=10)
        self.assertEqual(trace.returncode, 1)
        self.assertIn("weftd closed the connection", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
