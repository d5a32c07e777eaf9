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
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo"))

import captures
from daemon import ENDLESS, Daemon
from user_space import ACTIVE, packet
from weftd import BIN, Weftd


class Check(Daemon):
    def test_a_good_config(self):
        file = self.config(self.router(ENDLESS))
        done = self.weftd("--check", "--config", file)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{file}: ok\n", ""))

    def test_the_default_config(self):
        done = self.weftd("--check")
        self.assertEqual((done.returncode, done.stdout), (0, "(default config): ok\n"), done.stderr)
        printed = self.weftd("--print-default").stdout
        done = self.weftd("--check", "--config", self.config(printed))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_wrong_usage(self):
        self.assertEqual(self.weftd("--chek").returncode, 2)
        self.assertEqual(self.weft("show", "everything").returncode, 2)
        self.assertIn("show: no command 'everything'; there are: run, paths", self.weft("show", "everything").stderr)
        self.assertIn("weft: no command 'shwo'; there are: show, trace", self.weft("shwo", "--json").stderr)
        cc = subprocess.run([BIN / "weft-cc", "--bogus", "x.c"], capture_output=True, text=True, timeout=20)
        self.assertEqual(cc.returncode, 2, cc.stderr)
        for program, *options in [["weftd", "--config", ""], ["weftd", "--socket=", "--check"], ["weft", "--socket", ""],
                                  ["weft-cc", "--code-object", "", "x.c"], ["weft-cc", "x.c", "-o", ""]]:
            done = subprocess.run([BIN / program, *options], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 2, (program, options))
            self.assertIn("needs a value", done.stderr)
        self.assertEqual(self.weft("capture", "a/ip@near").returncode, 2)
        self.assertEqual(self.weft("trace", "a/ip", "0").returncode, 2)


NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


class Start(Daemon):
    """Each reason for which weftd cannot start is one sentence, and exit code 1."""

    def refusal(self, text, **options):
        """The one sentence of a weftd that cannot start; it must leave nothing behind."""
        file = self.config(text)
        before = self.traces()
        done = subprocess.run([BIN / "weftd", "--config", file], capture_output=True, text=True, timeout=20, **options)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("weftd: ") and done.stderr.endswith("\n"), done.stderr)
        self.assertEqual(self.traces(), before)
        return done.stderr.removeprefix("weftd: ").rstrip("\n")

    def traces(self):
        """What a weftd could leave behind."""
        return sorted(self.folder.iterdir()), socket.if_nameindex()

    def with_partner(self, keys, control="w.sock"):
        return f'[control]\nsocket = "{self.folder}/{control}"\n[partner.a]\n{keys}'

    def refusal_of_partner(self, keys, **options):
        """What is said about a partner, behind its place in the config."""
        place = f"{self.folder}/w.toml:3:1: "
        said = self.refusal(self.with_partner(keys), **options)
        self.assertTrue(said.startswith(place), said)
        return said.removeprefix(place)

    def test_an_unknown_interface(self):
        said = self.refusal_of_partner('driver = "af_packet"\ndevice = "nosuch0"\n')
        self.assertEqual(said, "af_packet nosuch0: no such interface")

    def test_a_busy_port(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            said = self.refusal_of_partner(f'driver = "udp"\nlocal = "127.0.0.1:{port}"\nremote = "127.0.0.1:9"\n')
        self.assertEqual(said, f"udp 127.0.0.1:{port}: Address already in use")

    def test_an_address_of_another_machine(self):
        said = self.refusal_of_partner('driver = "udp"\nlocal = "192.0.2.1:4000"\nremote = "192.0.2.2:4000"\n')
        self.assertEqual(said, "udp 192.0.2.1:4000: Cannot assign requested address")

    @unittest.skipIf(os.geteuid() != 0, "needs root to give rights up")
    def test_a_missing_permission(self):
        os.chmod(self.folder, 0o777)
        said = self.refusal_of_partner('driver = "af_packet"\ndevice = "lo"\n', **NOBODY)
        self.assertEqual(said, "af_packet lo: needs CAP_NET_RAW")
        said = self.refusal_of_partner('driver = "tap"\ndevice = "wnobody0"\n', **NOBODY)
        self.assertIn(said, ("tap wnobody0: needs CAP_NET_ADMIN", "tap wnobody0: /dev/net/tun: Permission denied",
                             "tap wnobody0: /dev/net/tun: No such file or directory"))

    def test_files_that_are_no_captures(self):
        (self.folder / "text").write_text("not a capture\n" * 10)
        (self.folder / "empty").write_bytes(b"")
        for name, said in (("missing", "No such file or directory"), ("text", "unknown file format"),
                           ("empty", "truncated dump file; tried to read 4 file header bytes, only got 0"),
                           (".", "Is a directory")):
            file = f"{self.folder}/{name}"
            self.assertEqual(self.refusal_of_partner(f'driver = "pcap"\nread = "{file}"\n'), f"pcap {file}: {said}")

    def test_a_capture_that_cannot_be_written(self):
        file = f"{self.folder}/none/out.pcap"
        self.assertEqual(self.refusal_of_partner(f'driver = "pcap"\nwrite = "{file}"\n'),
                         f"pcap {file}: No such file or directory")

    def test_a_control_socket_that_cannot_be_made(self):
        udp = 'driver = "udp"\nlocal = "127.0.0.1:9"\nremote = "127.0.0.1:9"\n'
        (self.folder / "file").write_text("mine\n")
        for control, why in (("none/deep/w.sock", "its folder cannot be made: No such file or directory"), ("file/w.sock", "Not a directory"),
                             ("file", "stands there already and is no socket")):
            said = self.refusal(self.with_partner(udp, control))
            self.assertEqual(said, f"control socket {self.folder}/{control}: {why}")
        self.assertEqual((self.folder / "file").read_text(), "mine\n")

    @unittest.skipIf(os.geteuid() != 0, "needs root to give rights up")
    def test_a_control_socket_in_a_folder_of_others(self):
        os.chmod(self.folder, 0o755)
        said = self.refusal(self.with_partner('driver = "udp"\nlocal = "127.0.0.1:9"\nremote = "127.0.0.1:9"\n'), **NOBODY)
        self.assertEqual(said, f"control socket {self.folder}/w.sock: Permission denied")

    def test_two_with_one_socket(self):
        self.give([(0, packet(0))])
        self.start(self.router(ENDLESS))
        said = self.refusal(self.router(ENDLESS))
        self.assertEqual(said, f"control socket {self.folder}/w.sock: another weftd uses it")
        self.assertEqual(self.weft("show", "run").returncode, 0)  # the first lives on

    def test_one_socket_for_two_purposes(self):
        """Of one weftd it is a mistake of the config (config_mistakes_test.py); here, of two."""
        self.give([(0, packet(0))])
        self.start(self.router(ENDLESS))
        keys = 'driver = "udp"\nlocal = "127.0.0.1:9"\nremote = "127.0.0.1:9"\n'
        said = self.refusal(self.with_partner(keys, control="v.sock") + f'[snow]\nsocket = "{self.folder}/w.sock"\n')
        self.assertEqual(said, f"snow socket {self.folder}/w.sock: another kind of socket is served there")
        self.assertEqual(self.weft("show", "run").returncode, 0)  # the first lives on

    def test_a_stale_socket_is_replaced(self):
        self.give([(0, packet(0))])
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.folder / "w.sock"))
        self.start(self.router(ENDLESS))
        self.assertEqual(self.end(), 0, self.log())

    def test_a_hang_up_does_not_end_it(self):
        self.give([(0, packet(0))])
        self.start(self.router(ENDLESS))
        self.node.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.weft("show", "run").returncode, 0)
        self.assertEqual(self.end(), 0, self.log())
        self.assertIn("SIGHUP: the config is read at the start only", self.log())

    def test_no_weftd_answers(self):
        done = self.weft("show", "run")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no weftd listens at {self.folder}/w.sock", done.stderr)

    def test_ready_is_told_to_the_service_manager(self):
        self.give([(0, packet(0))])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self.folder / "notify"))
            manager.settimeout(10)
            os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            self.start(self.router(ENDLESS))
            self.assertEqual(manager.recv(100), b"READY=1")
            self.assertEqual(self.end(), 0)
            self.assertEqual(manager.recv(100), b"STOPPING=1")


class ActivePing(Daemon):
    """Two active nodes over a UDP tunnel."""

    def start_node(self, name, local, remote, own, other):
        config = ACTIVE.format(name=name, local=local, remote=remote, address=own).replace("10.99.0.2", other)
        node = Weftd(self.folder, config, name)
        self.addCleanup(node.stop)
        return node

    def ask(self, name, *words):
        return self.nodes[name].weft(*words, check=False)

    def test_ping(self):
        ports = []
        for _ in range(2):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        self.nodes = {"left": self.start_node("left", ports[0], ports[1], "10.0.0.1", "10.0.0.2"),
                      "right": self.start_node("right", ports[1], ports[0], "10.0.0.2", "10.0.0.1")}
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
        self.check_what_is_shown()
        self.assertEqual(self.nodes["right"].stop(), 0)
        done = self.ask("left", "ping", "10.0.0.2", "-c", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no ping was answered", done.stderr)
        self.assertEqual(self.nodes["left"].stop(), 0)

    def check_what_is_shown(self):
        """Behind six answered pings, one more to a node that nobody knows: right sends it
        back, and so on, until its TTL is used up."""
        self.assertEqual(self.ask("left", "ping", "10.0.0.77", "-c", "1").returncode, 1)
        pans = {name: json.loads(self.ask(name, "--json", "show", "pan").stdout) for name in ("left", "right")}
        for name, other in (("left", "10.0.0.2"), ("right", "10.0.0.1")):
            pan = pans[name]
            capsules = pan["capsules"]
            self.assertEqual(capsules["in"] + capsules["made"],
                             capsules["out"] + capsules["delivered"] + capsules["dropped"] + capsules["held"])
            self.assertEqual(sum(drop["packets"] for drop in pan["drops"]), capsules["dropped"])
            self.assertEqual([(n["address"], n["carrier"]) for n in pan["neighbours"]], [(other, "tunnel/pan")])
            self.assertEqual(pan["neighbours"][0]["packets"], capsules["out"])
            self.assertIn("ping", [code["code"] for code in pan["code"]])
            table = self.ask(name, "show", "pan").stdout
            code = {code["code"]: code for code in pan["code"]}
            self.assertEqual(pan["engine"], {"engine": "jit", "reason": ""})
            self.assertEqual((code["ping"]["engine"], code["ping"]["stopped"], code["ping"]["last_stop"]), ("jit", 0, ""))
            self.assertGreaterEqual(code["ping"]["capsules"], capsules["delivered"])
            self.assertEqual(code["forward"]["capsules"], 0)
            for word in ("active node " + pan["address"], "DELIVERED", other, "tunnel/pan", "ping", "sha256:", "by the jit"):
                self.assertIn(word, table)
        self.assertEqual((pans["left"]["address"], pans["left"]["capsules"]["delivered"]), ("10.0.0.1", 6))
        lost = [row for name in ("left", "right") for row in json.loads(self.ask(name, "--json", "show", "drops").stdout)["drops"]
                if row["at"].startswith("pan ")]
        self.assertEqual([(row["stage"], row["reason"], row["packets"]) for row in lost], [("capsules", "capsule_ttl", 1)])
        self.assertIn("capsule TTL reached zero", "".join(self.ask(name, "show", "drops").stdout for name in ("left", "right")))


class Running(Daemon):
    """A router between two files; the packets come again and again."""

    def setUp(self):
        super().setUp()
        self.give((100 * n, packet(n, ttl=1 if n == 7 else 64)) for n in range(100))
        self.start(self.router(ENDLESS))

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
        with open("/dev/full", "w") as full:
            done = subprocess.run([BIN / "weft", "--socket", self.folder / "w.sock", "show", "run"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (1, "weft: write: No space left on device\n"))
        self.assertEqual(self.show("pools")["pools"][0]["capacity"], 1024)

    def test_a_clean_stop_accounts_for_every_packet(self):
        self.wait_for_packets(500)
        self.assertEqual(self.end(), 0, self.log())
        balance = self.log().strip().splitlines()[-1]
        self.assertRegex(balance, r"stopped: \d+ in \+ \d+ made = \d+ out \+ \d+ dropped \+ \d+ held")
        came = [data for _, data in captures.read(self.folder / "out.pcap")]
        self.assertGreater(len(came), 300)
        self.assertTrue(all(p[8] == 63 for p in came if p[9] == 17))
        self.assertFalse((self.folder / "w.sock").exists())

    def test_a_node_that_is_not_active(self):
        done = self.weft("show", "pan")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "weft: this node is not active: its config has no [pan]\n"))

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
