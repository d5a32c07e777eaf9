#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents say can be done.

Every block of a document is a list of commands, which is run; a piece of a config, which is
checked; or is listed here with what else it is.  The commands run in a machine of their own:
a network namespace, and a /run of its own, so that they are run as they are written, with
their own names of namespaces, interfaces and sockets.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import lab as laboratory
from weftd import BIN, ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

# The first word of a line that is a command.
PROGRAMS = re.compile(r"(\$ |PATH=|\./run\.sh|\./test\.sh|weftd? |weft-cc |ip |sysctl |cmake |cc |ctest |kill |printf |(bench|build|scripts)/)")

# Commands that are not run here, and why.
EXCEPTIONS = {
    "./run.sh": "demo_test.py runs it, but for the build",
    "./test.sh": "runs this test",
    "cmake --preset dev && cmake --build --preset dev": "builds everything",
    "cmake --preset release && cmake --build --preset release": "builds everything",
    "scripts/install_deps.sh": "changes the machine; test.sh has run it",
    "build/dev/bin/paths_test": "is built by the line above",
    "ctest --test-dir build/dev": "is built by the line above",
    "bench/run": "takes minutes, and wants a machine for itself",
}

# Commands that go on until Ctrl-C; they are listened to for ten lines.
UNTIL_INTERRUPTED = {"weft capture 'eth0/ip -> eth1@near' -w - | tshark -r -"}

# How a block begins that is neither commands nor config, and what it is.
OTHER_BLOCKS = {
    "an_inchanCreate(": "C",
    "received + made =": "an equation",
    "#include <nodeos_api/an_ee.h>": "an EE; cc compiles it",
    "EE -> an.h -> libweft-snow": "a chain",
    "| control | rx descriptors": "how memory is laid out",
    '#include "pni.h"': "a code object; weft-cc compiles it",
    "mine.pco is left out": "a line of the log",
    "packet 1  12:01:02": "what a trace prints",
}
MEASUREMENTS = ROOT / "docs/performance.md"  # its blocks may be tables of what was measured

# The partners that pieces of configs and path texts name.
PARTNERS = """
[partner.eth0]
driver = "af_packet"
device = "eth0"
[partner.eth1]
driver = "af_packet"
device = "eth1"
[partner.udp0]
driver = "udp"
local = "127.0.0.1:4000"
remote = "127.0.0.1:4001"
"""
TUNNEL = """
[partner.file]
driver = "pcap"
write = "out.pcap"
link = "raw"
[partner.tunnel]
driver = "udp"
local = "127.0.0.1:4002"
remote = "127.0.0.1:4003"
"""
PAN = """
[pan]
address = "{own}"
[[pan.neighbour]]
address = "{other}"
carrier = "udp0/pan"
"""

# Two hosts with a weftd between them, traffic, and another active node; needs no command of
# the document.
NODE_AND_HOSTS = """
for n in 0 1; do
  ip netns add host$n
  ip link add eth$n type veth peer name eth0 netns host$n
  ip address add 10.0.$n.1/24 dev eth$n && ip link set eth$n up
  ip -n host$n address add 10.0.$n.2/24 dev eth0 && ip -n host$n link set eth0 up
  ip -n host$n route add default via 10.0.$n.1
done
sysctl -qw net.ipv4.ip_forward=0
weftd --config node.toml 2>node.log &
weftd --config far.toml --socket far.sock 2>far.log &
wait_until_ready
ip netns exec host0 python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(b"to be observed", ("10.0.1.2", 7))
    time.sleep(0.01)
' &
"""
WORLDS = {"observe.md": NODE_AND_HOSTS, "pan.md": NODE_AND_HOSTS}

PROLOGUE = """
mount -t tmpfs tmpfs /run && ip link set lo up || exit 99
wait_until_ready() {
  for _ in $(seq 500); do weft show pools >/dev/null 2>&1 && return; sleep 0.01; done
  echo "no weftd is ready"; cat *.log
}
# run NUMBER COMMAND: in this shell, so that jobs and variables stay.
run() {
  echo "@@ begin $1"
  eval "$2" </dev/null
  echo "@@ end $1 $?"
}
"""


def blocks(document):
    """(language, lines) of each fenced or indented block."""
    language, lines, fenced, after_blank = "", [], False, True
    for line in document.read_text().splitlines() + [""]:
        if line.startswith("```"):
            if fenced:
                yield language, lines
            language, lines, fenced = line[3:].strip(), [], not fenced
        elif fenced:
            lines.append(line)
        elif line.startswith("    ") and (lines or after_blank):
            lines.append(line[4:])
        elif lines and line.strip():
            yield "", lines
            lines = []
        elif lines:
            lines.append("")
        after_blank = not line.strip()
    if lines:
        yield "", lines


def stripped(lines):
    return [line.rstrip() for line in lines if line.strip()]


def kind_of(language, lines):
    """commands, config, paths, other or nothing."""
    first = stripped(lines)[0].lstrip()
    if language == "toml" or first.startswith("["):
        return "config"
    if PROGRAMS.match(first):
        return "commands"
    if re.match(r"[a-z0-9]+/[a-z0-9/]+ ", first):
        return "paths"
    return "other" if any(first.startswith(begin) for begin in OTHER_BLOCKS) else ""


def commands_of(lines):
    """Without prompts, comments, and what a command has printed."""
    lines = stripped(lines)
    if lines[0].startswith("$ "):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    return [re.sub(r"\s+#.*", "", line) for line in lines]


def excepted(command):
    return any(command == e or command.startswith(e + " ") for e in EXCEPTIONS)


class Documents(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-docs-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def authority(self):
        """A certificate in the place of one that pieces of configs name: weftd reads it."""
        file = self.folder / "authority.pem"
        if not file.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=authority", "-keyout",
                            self.folder / "key.pem", "-out", file], check=True, capture_output=True)
        return file

    def check(self, config):
        file = self.folder / "w.toml"
        if "/etc/weft/authority.pem" in config:
            config = config.replace("/etc/weft/authority.pem", str(self.authority()))
        file.write_text(config)
        done = subprocess.run([BIN / "weftd", "--check", "--config", file], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr + config)

    def each_block(self, wanted):
        for document in DOCUMENTS:
            for language, lines in blocks(document):
                if kind_of(language, lines) == wanted:
                    with self.subTest(document.name, block=stripped(lines)[0]):
                        yield document, lines

    def test_every_block_is_of_a_known_kind(self):
        for document in set(DOCUMENTS) - {MEASUREMENTS}:
            for language, lines in blocks(document):
                self.assertTrue(kind_of(language, lines), f"{document.name}: what is this? {lines}")

    def test_configs_are_good(self):
        count = 0
        for _, lines in self.each_block("config"):
            text = "\n".join(re.sub(r"(?<=\")\s+#.*", "", line) for line in lines)
            if "[partner." not in text:
                pan = '[pan]\naddress = "10.0.0.1"\n' if "[[pan." in text else ""
                text = PARTNERS + TUNNEL + pan + text
            self.check(text)
            count += 1
        self.assertGreaterEqual(count, 5)

    def test_path_texts_are_good(self):
        count = 0
        for _, lines in self.each_block("paths"):
            for line in stripped(lines):
                text = re.split(r"\s{2,}", line.strip())[0]
                self.check("[node]\ndefault_paths = false\n" + PARTNERS + f'[[path]]\ntext = "{text}"\n')
                count += 1
        self.assertGreaterEqual(count, 3)

    def test_commands_do_what_is_said(self):
        ran = 0
        for document in DOCUMENTS:
            commands = []
            for language, lines in blocks(document):
                if kind_of(language, lines) == "commands":
                    commands += [c for c in commands_of(lines) if not excepted(c)]
            if commands:
                with self.subTest(document.name):
                    self.run_all(document, commands)
                    ran += len(commands)
        self.assertGreaterEqual(ran, 20)

    def run_all(self, document, commands):
        here = self.folder / document.stem
        here.mkdir()
        for folder in ("build", "pan_ee", "examples"):
            (here / folder).symlink_to(ROOT / folder)
        (here / "node.toml").write_text(PARTNERS + PAN.format(own="10.99.0.1", other="10.99.0.3"))
        (here / "far.toml").write_text('[partner.udp0]\ndriver = "udp"\nlocal = "127.0.0.1:4001"\nremote = "127.0.0.1:4000"\n' +
                                       PAN.format(own="10.99.0.3", other="10.99.0.1"))
        self.write_named_files(document, here)
        script = PROLOGUE + WORLDS.get(document.name, "")
        for number, command in enumerate(commands):
            limited = f"timeout -s INT 20 bash -c {self.quoted(command)} | sed 10q" if command in UNTIL_INTERRUPTED else command
            script += f"run {number} {self.quoted(limited)}\n"
        script += "kill $(jobs -p) 2>/dev/null; wait\n"
        done = subprocess.run(["unshare", "--net", "--mount", "bash", "-c", script], cwd=here, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(here)})
        said = dict(re.findall(r"^ {4}(\S.*?)\s+# prints \"([^\"]+)\"", document.read_text(), re.M))
        for number, command in enumerate(commands):
            found = re.search(rf"@@ begin {number}\n(.*?)@@ end {number} (\d+)\n", done.stdout, re.S)
            self.assertTrue(found and found.group(2) == "0", f"{command}: {done.stdout}")
            if command in said:
                self.assertIn(said[command], found.group(1))
            if command in UNTIL_INTERRUPTED:
                self.assertGreater(len(found.group(1).splitlines()), 5, found.group(1))

    def write_named_files(self, document, here):
        """`name.toml`: or `name.c`: and the block behind it."""
        for name, content in re.findall(r"`([a-z]+\.(?:toml|c))`:\n\n```\w+\n(.*?)```", document.read_text(), re.S):
            (here / name).write_text(content)

    @staticmethod
    def quoted(text):
        return "'" + text.replace("'", "'\\''") + "'"


class References(unittest.TestCase):
    """What scripts/check_docs_links.py does not know."""

    def test_the_glossary_has_the_nouns(self):
        known = set(re.findall(r"^\| ([A-Za-z -]+?) \|", (ROOT / "docs/glossary.md").read_text(), re.M))
        for noun in ("Seg Packet Pvec Pool Partner Opening Module Stage Path PathSpec Geni Demux Account Worker Policy Tap "
                     "Domain Channel Node Config Plan Snow Arena Program Capsule CodeObject").split():
            self.assertIn(noun, known)

    def test_every_key_of_the_config_is_described(self):
        """As config/ asks for them: a string in a getter's first argument."""
        described = (ROOT / "docs/config.md").read_text()
        for source in (ROOT / "config").glob("read*.cc"):
            for key in re.findall(r'(?:text|texts|flag|number|fraction|choice|table|tables|has)\("([a-z_]+)"', source.read_text()):
                with self.subTest(source.name, key=key):
                    self.assertRegex(described, rf"\b{key}\b")

    def test_every_attribute_of_a_path_text_is_described(self):
        described = (ROOT / "docs/config.md").read_text()
        lists = [(source, found) for source in (ROOT / "modules").glob("*.cc")
                 for found in re.findall(r"kAttributes\[\] = \{(.*?)\};", source.read_text())]
        self.assertEqual({source.stem for source, _ in lists}, {"icmp_stage", "ip", "ip6", "udp"})
        for source, found in lists:
            for name in re.findall(r'"([a-z]+)"', found):
                with self.subTest(source.name, attribute=name):
                    self.assertIn(f"`{name}`", described)

    def test_every_view_is_described(self):
        views = re.findall(r'^    \{"([a-z]+)", "', (ROOT / "tools/weft/show.cc").read_text(), re.M)
        self.assertIn("pan", views)
        for view in views:
            self.assertIn(f"weft show {view}", (ROOT / "docs/observe.md").read_text())


if __name__ == "__main__":
    laboratory.main("__main__")
