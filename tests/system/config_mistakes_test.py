#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every mistake in a config is answered with its line, its column, and what was meant.

Each case is a config with one mistake.  The sign § stands right before the character that
must be pointed at; it is taken out before weftd reads the file.
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest
from weftd import BIN


TWO = """
[partner.left]
driver = "af_packet"
device = "eth0"
[partner.right]
driver = "udp"
local = "127.0.0.1:4000"
remote = "127.0.0.1:4001"
"""

ACTIVE = TWO + """
[pan]
address = "10.0.0.1"
[[pan.neighbour]]
address = "10.0.0.2"
carrier = "right/pan"
"""


def udp(key, value):
    other = {"local": 'remote = "127.0.0.1:9"', "remote": 'local = "127.0.0.1:9"'}[key]
    return f'[partner.u]\ndriver = "udp"\n{other}\n{key} = §"{value}"\n'


def path(text):
    return TWO + f'[[path]]\ntext = "{text}"\n'


def grant(text):
    return TWO + f'[principal.p]\nuid = 1\npaths = ["left/ip", "{text}"]\n'


# (what is wrong, the config, what the sentence must say)
CASES = [
    # -- TOML itself
    ("no value", "[node]\nname = §\n", "value"),
    ("open string", '[node]\nname = "r§\n', "string"),
    ("open bracket", "[node§\n", "']'"),
    ("a key twice", '[node]\nbusy = true\nbusy = §false\n', "cannot redefine existing boolean 'busy'"),
    ("a table twice", TWO + "§[partner.left]\n", "cannot redefine existing table 'partner.left'"),
    ("a bare word", "[node]\nname = §router\n", "value"),
    ("too large a number", "[node]\npool_packets = 99999999999999999999§\n", "not representable in 64 bits"),
    ("no line end between keys", '[node]\nname = "r" §busy = true\n', "expected a comment or whitespace, saw 'b'"),
    # -- keys
    ("unknown key", "[node]\n§forwardng = true\n" + TWO, "unknown key 'forwardng' in [node], did you mean 'forwarding'?"),
    ("unknown table", "[§controll]\n" + TWO, "unknown key 'controll' at the top of the file, did you mean 'control'?"),
    ("key of another driver", TWO + '[partner.c]\ndriver = "tap"\ndevice = "t"\n§remote = "127.0.0.1:1"\n',
     "unknown key 'remote' in [partner.c]"),
    ("unknown key of a path", TWO + '[[path]]\ntext = "left/ip -> right"\n§txet = "x"\n',
     "unknown key 'txet' in [[path]], did you mean 'text'?"),
    ("unknown key of a wire", '[partner.a]\ndriver = "loop"\nwire = "w"\n[partner.b]\ndriver = "loop"\nwire = "w"\n'
     "[wire.w]\n§delay = 1\n", "unknown key 'delay' in [wire.w]"),
    ("no driver", "§[partner.a]\n", "[partner.a] needs 'driver'"),
    ("no device", '§[partner.a]\ndriver = "tap"\n', "[partner.a] needs 'device'"),
    ("no remote", '§[partner.a]\ndriver = "udp"\nlocal = "127.0.0.1:9"\n', "[partner.a] needs 'remote'"),
    ("neither file", '§[partner.a]\ndriver = "pcap"\n', "[partner.a] needs 'read', 'write', or both"),
    ("a joint with one end", TWO + '§[[joint]]\na = "left"\n', "[[joint]] needs 'b'"),
    ("a route to nowhere", TWO + '§[[route]]\nto = "10.1.0.0/16"\n', "[[route]] needs 'port'"),
    ("a path without text", TWO + "§[[path]]\n", "[[path]] needs 'text'"),
    ("nothing at all", "§", "at least one [partner.NAME]"),
    # -- types and ranges
    ("a string for a flag", '[node]\nbusy = §"yes"\n' + TWO, "'busy' is a string; expected true or false"),
    ("files in no certain place", '[node]\nfiles = §"ee"\n' + TWO, "'ee' is not the whole path of a folder"),
    ("less than no files", "[node]\nfiles_number = §-1\n" + TWO, "'files_number' is -1; expected 0 to 16777216"),
    ("a flag for a number", "[node]\npool_packets = §true\n" + TWO, "expected a whole number, 256 to 16777216"),
    ("a number for a string", "[node]\nname = §7\n" + TWO, "'name' is a whole number; expected a string"),
    ("a string for a list", '[partner.a]\ndriver = "tap"\ndevice = "t"\naddress = §"10.0.0.1/24"\n',
     "expected an array of strings"),
    ("a value for a table", "node = §1\n" + TWO, "expected a table, [node]"),
    ("one table for many", TWO + '§[joint]\na = "left"\nb = "right"\n', "expected [[joint]] tables"),
    ("too small", "[node]\npool_packets = §1\n" + TWO, "'pool_packets' is 1; expected 256 to 16777216"),
    ("too large", '[partner.a]\ndriver = "tap"\ndevice = "t"\nmtu = §65522\n', "expected 68 to 65521"),
    ("too large for a datagram", udp("local", "127.0.0.1:8").replace("§", "") + "mtu = §65500\n", "expected 68 to 65489"),
    ("a ring too small", '[partner.a]\ndriver = "af_packet"\ndevice = "e"\nring_frames = §8\n', "expected 64 to 65536"),
    ("not a probability", '[partner.a]\ndriver = "loop"\nwire = "w"\n[partner.b]\ndriver = "loop"\nwire = "w"\n'
     "[wire.w]\nloss = §1.5\n", "'loss' is outside 0 to 1"),
    ("more jitter than delay", '[partner.a]\ndriver = "loop"\nwire = "w"\n[partner.b]\ndriver = "loop"\nwire = "w"\n'
     "[wire.w]\ndelay_us = 1\njitter_us = §2\n", "'jitter_us' is larger than 'delay_us'"),
    ("unknown driver", '[partner.a]\ndriver = §"af_paket"\n', "no driver 'af_paket', did you mean 'af_packet'?"),
    ("unknown pages", '[node]\npages = §"3M"\n' + TWO, "did you mean '2M'?; expected one of '2M', 'THP', '4K'"),
    ("unknown link", '[partner.a]\ndriver = "tap"\ndevice = "t"\nlink = §"ethernt"\n', "did you mean 'ethernet'?"),
    # -- names
    ("no name for a partner", '§[partner."a b"]\ndriver = "tap"\ndevice = "t"\n', "'a b' is not a name: a letter, then"),
    ("no name for a node", '[node]\nname = §"7"\n' + TWO, "'7' is not a name: a letter, then"),
    ("no name for a device", '[partner.a]\ndriver = "tap"\ndevice = §"a/b"\n', "1 to 15 bytes, no '/' or space"),
    ("a long name for a socket", f'[control]\nsocket = §"/{"x" * 107}"\n' + TWO, "1 to 107 bytes; this one has 108"),
    # -- addresses
    ("no address", '[partner.a]\ndriver = "tap"\ndevice = "t"\naddress = ["10.0.0.1/24", §"10.0.0.300/24"]\n',
     "'10.0.0.300/24' is not an IP prefix, as 10.0.0.0/24 or fd00::/64"),
    ("too long a prefix", '[partner.a]\ndriver = "tap"\ndevice = "t"\naddress = [§"10.0.0.1/33"]\n',
     "0 to 32 was expected behind '/'"),
    ("the address of everyone", '[partner.a]\ndriver = "tap"\ndevice = "t"\naddress = [§"fd00::1/0"]\n',
     "an address with its prefix was expected"),
    ("a multicast address", '[partner.a]\ndriver = "tap"\ndevice = "t"\naddress = [§"224.0.0.1/24"]\n',
     "not an address that a node can have"),
    ("the kernel's address", '[partner.a]\ndriver = "af_packet"\ndevice = "eth0"\naddress = [§"10.0.0.1/24"]\n',
     "the kernel has the addresses of 'eth0': set it there, with 'ip address add 10.0.0.1/24 dev eth0'"),
    ("no port", udp("local", "127.0.0.1"), "an address with a UDP port, as 127.0.0.1:4000 or [::1]:4000"),
    ("port 0", udp("remote", "127.0.0.1:0"), "1 to 65535 was expected behind the last ':'"),
    ("port 65536", udp("remote", "[::1]:65536"), "1 to 65535 was expected behind the last ':'"),
    ("two families", '§[partner.u]\ndriver = "udp"\nlocal = "127.0.0.1:9"\nremote = "[::1]:9"\n',
     "'local' and 'remote' of [partner.u] are of different families"),
    # -- twice
    ("a device twice", TWO + '§[partner.c]\ndriver = "tap"\ndevice = "eth0"\n', "device 'eth0' stands already in line 2"),
    ("an address twice", '[partner.a]\ndriver = "tap"\ndevice = "t"\naddress = ["10.0.0.1/24"]\n'
     '[partner.b]\ndriver = "tap"\ndevice = "u"\naddress = [§"10.0.0.1/16"]\n', "address 10.0.0.1 stands already in line 4"),
    ("a path twice", path("left/ip (src=10.0.0.0/8) -> right") + '[[path]]\ntext = "§left/ip(src=10.0.0.0/8)->right"\n',
     "stands already in line 10"),
    ("a route to a host with a prefix", TWO + '[[route]]\nto = §"10.0.0.1/8"\nport = "left"\n',
     "'10.0.0.1/8' has bits behind its prefix; 10.0.0.0/8 was expected"),
    ("a route twice", TWO + '[[route]]\nto = "10.0.0.0/8"\nport = "left"\n§[[route]]\nto = "10.0.0.0/8"\nport = "right"\n',
     "route to 10.0.0.0/8 stands already in line 9"),
    ("a file twice", '[partner.a]\ndriver = "pcap"\nwrite = "o"\n§[partner.b]\ndriver = "pcap"\nwrite = "o"\n',
     "output file 'o' stands already in line 1"),
    # -- path texts: the column lies inside the string
    ("unknown partner", path("left/ip -> §rihgt"), "no partner 'rihgt', did you mean 'right'?"),
    ("unknown module", path("left/§ipp -> right"), "no module 'ipp', did you mean 'ip'?"),
    ("no name between slashes", path("left/§/ip"), "a name was expected, found '/'"),
    ("half an arrow", path("left/ip - §> right").replace("- §>", "§> "), "'->' or the end was expected, found '>'"),
    ("open parenthesis", path("left/ip/udp (dstport=7§"), "',' or ')' was expected, found the end"),
    ("no value in a path", path("left/ip/udp (dstport=§)"), "a value was expected"),
    ("an attribute twice", path("left/ip/udp (dstport=7, §dstport=8)"), "given twice, first at column 14"),
    ("unknown attribute", path("left/ip/udp (§dstprot=7)"), "did you mean 'dstport'?"),
    ("unknown attribute behind an escape", path("\\u006ceft/ip/udp (§dstprot=7)"), "did you mean 'dstport'?"),
    ("attribute out of range", path("left/ip/udp (§dstport=65536)"), "a number from 1 to 65535, not '65536'"),
    ("attribute that is no prefix", path("left/ip (§src=10.0.0.0/40) -> right"),
     "'10.0.0.0/40' is not an IPv4 address or prefix like 10.0.0.0/8"),
    ("bits behind the prefix", path("left/ip (§src=10.0.0.1/8) -> right"), "bits set behind its prefix of 8 bits"),
    ("udp on nothing", path("left/§udp (dstport=7)"), "udp stands on ip or ip6, not on 'eth'"),
    ("arp on a tunnel", path("right/§arp"), "'right' does not speak Ethernet, so it needs no arp"),
    ("a default path again", path("§left/ip/icmp"), "its packets go to the path 'left/ip/icmp' already"),
    ("two ways for one packet", path("left/ip/udp (dstport=7)") + '[[path]]\ntext = "§left/eth/ip/udp (dstport=7)"\n',
     "its packets go to the path 'left/ip/udp (dstport=7)' already"),
    # -- joints, wires, routes
    ("a joint of nobody", TWO + '[[joint]]\na = "left"\nb = §"rigth"\n', "no partner 'rigth', did you mean 'right'?"),
    ("a joint of one", TWO + '§[[joint]]\na = "left"\nb = "left"\n', "a joint needs two partners, and 'left' is both"),
    ("a path at a joint", TWO + '[[joint]]\na = "left"\nb = "right"\n[[path]]\ntext = "§left/ip"\n',
     "partner 'left' has a joint, so no path can begin or end there"),
    ("a wire with one end", '§[partner.a]\ndriver = "loop"\nwire = "w"\n', "wire 'w' has 1 end; two loop partners name one wire"),
    ("a wire that nobody names", TWO + "§[wire.w]\n", "no loop partner names wire 'w'"),
    ("a route by nobody", TWO + '[[route]]\nto = "10.0.0.0/8"\nport = §"lefft"\n', "no partner 'lefft', did you mean 'left'?"),
    ("a bad route", TWO + '[[route]]\nto = §"10.0.0/8"\nport = "left"\n', "'10.0.0/8' is not an IP prefix"),
    ("a gateway of another family", TWO + '[[route]]\nto = "10.0.0.0/8"\nvia = §"fd00::1"\nport = "left"\n',
     "gateway 'fd00::1' is of another family than '10.0.0.0/8'"),
    ("a gateway that can be none", TWO + '[[route]]\nto = "10.0.0.0/8"\nvia = §"255.255.255.255"\nport = "left"\n',
     "255.255.255.255 cannot be a gateway"),
    ("one socket for two", '[control]\nsocket = "/tmp/a"\n[snow]\nsocket = §"/tmp/./a"\n' + TWO,
     "'/tmp/./a' is where weft reaches the node"),
    # -- principals
    ("a grant of half a range", grant("left/ip/udp (§dstport=9-x)"), "a number from 1 to 65535, not '9-x'"),
    ("a grant of a range that is turned round", grant("left/ip/udp (§dstport=9-7)"), "the smaller one first"),
    ("a grant of a range too far", grant("left/ip/udp (srcport=1-9, §dstport=1-65536)"), "to 65535, not '65536'"),
    ("a grant of no prefix", grant("left/ip (§src=10.0.0.300/8)"), "'10.0.0.300/8' is not an IPv4 address or prefix"),
    ("a grant with bits behind its prefix", grant("left/ip -> right/ip (§dst=10.0.0.1/8)"), "bits set behind its prefix"),
    ("a grant that no module reads", grant("left/ip/udp (§dstprot=9)"), "did you mean 'dstport'?"),
    # -- EEs
    ("an EE as the node", TWO + '§[ee.node]\nload = "./x.so"\n', "'node' is what the node's own domains are shown as"),
    ("a shared object twice", TWO + '[ee.x]\nload = "./x.so"\n[ee.y]\nload = §"./x.so"\n',
     "shared object 'x.so' stands already in line 10"),
    ("an EE without code", TWO + "§[ee.x]\nrestart = \"never\"\n", "[ee.x] needs 'load' or 'exec'"),
    ("a memory that is no size", TWO + '[ee.x]\nexec = ["/x"]\nmemory = §"64 MB"\n', "'64 MB' is not a size from 1M to 16T"),
    ("a limit of what is loaded", TWO + '[ee.x]\nload = "./x.so"\ncpu = §50\n', "'cpu' is of a process"),
    ("a program that is searched for", TWO + '[ee.x]\nexec = [§"echo_ee"]\n', "'echo_ee' is no path of a program"),
    ("a restart that there is not", TWO + '[ee.x]\nload = "./x.so"\nrestart = §"on-error"\n', "no restart 'on-error'"),
    # -- PAN
    ("an active node without address", TWO + "§[pan]\n", "[pan] needs 'address'"),
    ("no address of a node", TWO + '[pan]\naddress = §"here"\n', "as 10.0.0.1 or 127.0.0.1:4000"),
    ("a neighbour without carrier", TWO + '[pan]\naddress = "10.0.0.1"\n§[[pan.neighbour]]\naddress = "10.0.0.2"\n',
     "[[pan.neighbour]] needs 'carrier'"),
    ("the node as its neighbour", ACTIVE + '[[pan.neighbour]]\naddress = §"10.0.0.1"\ncarrier = "right/pan"\n',
     "'10.0.0.1' is this node itself; the address of another was expected"),
    ("a neighbour twice", ACTIVE + '[[pan.neighbour]]\naddress = §"10.0.0.2"\ncarrier = "left/ip/pan (dst=10.9.0.1)"\n',
     "neighbour 10.0.0.2 stands already in line 13"),
    ("unknown carrier", ACTIVE + '[[pan.neighbour]]\naddress = "10.0.0.3"\ncarrier = "§rihgt/pan"\n',
     "no partner 'rihgt', did you mean 'right'?"),
    ("capsules on Ethernet", ACTIVE + '[[pan.neighbour]]\naddress = "10.0.0.3"\ncarrier = "left/§pan"\n',
     "pan stands on ip or ip6, on udp, or right on a partner with a raw link"),
    ("a route via a stranger", ACTIVE + '[[pan.route]]\nto = "default"\nvia = §"10.0.0.20"\n',
     "no [[pan.neighbour]] has the address '10.0.0.20', did you mean '10.0.0.2'?"),
    ("a PAN route twice", ACTIVE + '[[pan.route]]\nto = "fd00:1::/32"\nvia = "10.0.0.2"\n'
     '[[pan.route]]\nto = §"fd00:0001::0/32"\nvia = "10.0.0.2"\n', "route to fd00:1::/32 stands already in line"),
    ("bits behind a PAN prefix", ACTIVE + '[[pan.route]]\nto = §"10.1.0.7/16"\nvia = "10.0.0.2"\n',
     "'10.1.0.7/16' has bits behind its prefix; 10.1.0.0/16 was expected"),
    ("a bad PAN prefix", ACTIVE + '[[pan.route]]\nto = §"10.0.0.0/40"\nvia = "10.0.0.2"\n', "0 to 32 was expected behind '/'"),
    ("unknown key of a PAN route", ACTIVE + '[[pan.route]]\nto = "default"\nvia = "10.0.0.2"\n§form = "x"\n',
     "unknown key 'form' in [[pan.route]]"),
    ("a folder of code that is not there", TWO + '[pan]\naddress = "10.0.0.1"\ncode = §"/nowhere/code"\n',
     "the folder of code objects /nowhere/code: No such file or directory"),
    ("an unknown engine", TWO + '[pan]\naddress = "10.0.0.1"\nengine = §"jti"\n', "no engine 'jti', did you mean 'jit'?"),
    ("a budget of nothing", TWO + '[pan]\naddress = "10.0.0.1"\nbudget = §0\n', "'budget' is 0; expected 1 to 2147483647"),
]


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-config-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "w.toml"

    def check(self, text):
        self.file.write_text(text)
        return subprocess.run([BIN / "weftd", "--check", "--config", self.file], capture_output=True, text=True, timeout=20)

    def test_every_case(self):
        self.assertGreaterEqual(len(CASES), 40)
        for what, marked, said in CASES:
            with self.subTest(what):
                before = marked[:marked.index("§")]
                place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
                done = self.check(marked.replace("§", ""))
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                lines = done.stderr.splitlines()
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertTrue(lines[0].startswith(f"{self.file}:{place}: "), f"{place} was expected: {lines[0]}")
                self.assertIn(said, lines[0])

    def test_all_mistakes_of_a_file_in_their_order(self):
        done = self.check('[node]\nbusy = 1\n[partner.a]\ndriver = "udp"\nlocal = "x"\nremote = "127.0.0.1:9"\n'
                          '[[path]]\ntext = "a/ipp"\n[[path]]\ntext = "a/ip/udpp"\n')
        places = [line.removeprefix(f"{self.file}:").split(": ")[0] for line in done.stderr.splitlines()]
        self.assertEqual(places, ["2:8", "5:9", "8:11", "10:14"], done.stderr)

    def test_all_mistakes_in_paths_in_their_order(self):
        """Also those that only building the paths finds."""
        done = self.check(TWO + '[[path]]\ntext = "left/ip/udp (port=7)"\n[[path]]\ntext = "left/ip/udp (dstport=x)"\n')
        places = [line.removeprefix(f"{self.file}:").split(": ")[0] for line in done.stderr.splitlines()]
        self.assertEqual(places, ["10:22", "12:22"], done.stderr)

    def test_start_refuses_what_check_refuses(self):
        text = TWO + '[[path]]\ntext = "left/ip/udp (dstprot=7)"\n'
        checked = self.check(text)
        started = subprocess.run([BIN / "weftd", "--config", self.file], capture_output=True, text=True, timeout=20)
        self.assertEqual((started.returncode, started.stderr), (1, checked.stderr))

    def test_grants(self):
        """A grant may leave open what a path has to say."""
        done = self.check(TWO + r'''[principal.p]
uid = 1
paths = ["left/ip/udp (dstport=\"7-9\", srcport=5)", "left/ip6 (src=2001:db8::/32, proto=0-255)",
         "left -> right/ip/udp (srcport=1-65535)"]
''')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{self.file}: ok\n", ""))

    def test_a_socket_on_the_command_line(self):
        self.file.write_text('[snow]\nsocket = "/tmp/a"\n' + TWO)
        done = subprocess.run([BIN / "weftd", "--check", "--config", self.file, "--socket", "/tmp/a"], capture_output=True,
                              text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(f"{self.file}:2:10: '/tmp/a' is where weft reaches the node"), done.stderr)

    def test_what_is_not_there_yet_is_a_warning(self):
        """A node starts without, and tries the EE again."""
        plain = self.folder / "plain"
        plain.write_text("#!/bin/sh")
        done = self.check(TWO + '[ee.a]\nexec = ["/no/ee"]\nuser = "no-such-user"\n[ee.b]\nload = "/no/ee.so"\n'
                          f'[ee.c]\nexec = ["{plain}"]\nuser = "0"\n[ee.d]\nexec = ["/bin/true"]\n[ee.e]\nload = "/tmp"\n')
        self.assertEqual((done.returncode, done.stdout), (0, f"{self.file}: ok\n"), done.stderr)
        self.assertEqual([line.removeprefix(f"{self.file}:") for line in done.stderr.splitlines()],
                         ["10:9: warning: /no/ee: No such file or directory",
                          "11:8: warning: there is no user 'no-such-user'",
                          "13:8: warning: /no/ee.so: No such file or directory",
                          f"15:9: warning: {plain} may not be executed",
                          "20:8: warning: /tmp is no file"])

    def test_files_that_cannot_be_read(self):
        for file, said in ((self.folder / "none.toml", "No such file or directory"), (self.folder, "Is a directory")):
            done = subprocess.run([BIN / "weftd", "--check", "--config", file], capture_output=True, text=True, timeout=20)
            self.assertEqual((done.returncode, done.stderr), (1, f"{file}: {said}\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
