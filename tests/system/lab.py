# SPDX-License-Identifier: Apache-2.0
"""A laboratory of network namespaces, with weftd or the kernel as the router.

    with Lab() as lab:
        r, h1 = lab.host("r"), lab.host("h1")
        lab.link(h1, "eth0", r, "left")
        h1.run("ping", "-c1", "10.0.1.1")

Names carry the process id, so labs side by side do not meet.  Leaving the block
removes everything, whatever happened inside it.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import weftd

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_count = 0


@contextlib.contextmanager
def _undisturbed():
    """Signals that would end the program wait until the block is over."""
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def why_not():
    """Why no lab can be made here, in one sentence; None if one can."""
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    if os.geteuid() != 0:
        return "network namespaces need root here"
    name = f"weft-probe-{os.getpid()}"
    with _undisturbed():
        done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
        if done.returncode != 0:
            return f"network namespaces cannot be made: {done.stderr.strip()}"
        done = subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_forward=0"],
                              capture_output=True, text=True)
        subprocess.run(["ip", "netns", "del", name], check=True)
    return f"network namespaces cannot be used: {done.stderr.strip()}" if done.returncode != 0 else None


class Host:
    """One namespace, and the processes that were started in it."""

    def __init__(self, name, netns):
        self.name = name
        self.netns = netns
        self.processes = []

    def command(self, *words):
        return ["ip", "netns", "exec", self.netns, *map(str, words)]

    def run(self, *words, check=True, timeout=60, **options):
        """Runs a command to its end; returns what it printed."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, *words, control_groups=False, **options):
        """Starts a command that goes on until the lab ends.  `ip netns exec` gives it a /sys of its own,
        without the control groups of the machine; with `control_groups` it has these."""
        command = ["nsenter", f"--net=/run/netns/{self.netns}", *map(str, words)] if control_groups else self.command(*words)
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def ip(self, line):
        self.run("ip", *line.split())

    def sysctl(self, name, value):
        self.run("sysctl", "-qw", f"{name}={value}")

    def up(self, device, *addresses, mac=None, mtu=None):
        if mac:
            self.ip(f"link set {device} address {mac}")
        if mtu:
            self.ip(f"link set {device} mtu {mtu}")
        for address in addresses:
            nodad = " nodad" if ":" in address else ""
            self.ip(f"address add {address} dev {device}{nodad}")
        self.ip(f"link set {device} up")

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens in the block lives in this namespace, and goes on doing so."""
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.netns}", os.O_RDONLY)
        try:
            _setns(there)
            yield
        finally:
            _setns(here)
            os.close(here)
            os.close(there)

    def packet_socket(self, device):
        """A packet socket on a device of this namespace, used from outside it."""
        with self.inside():
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            opened.bind((device, 0))
            return opened

    def udp_socket(self, address="", port=0):
        """A UDP socket of this namespace, used from outside it."""
        with self.inside():
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((address, port))
            return opened

    def stop_all(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Lab:
    def __init__(self):
        global _count
        _count += 1
        self.prefix = f"weft{os.getpid()}x{_count}"
        self.hosts = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-lab-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with _undisturbed():
            for host in self.hosts:
                host.stop_all()
            for host in self.hosts:
                subprocess.run(["ip", "netns", "del", host.netns], check=False)
            shutil.rmtree(self.folder, ignore_errors=True)

    def host(self, name):
        host = Host(name, f"{self.prefix}-{name}")
        with _undisturbed():
            subprocess.run(["ip", "netns", "add", host.netns], check=True)
            self.hosts.append(host)
        host.ip("link set lo up")
        for setting in ("conf.all.accept_dad", "conf.default.accept_dad", "conf.default.router_solicitations"):
            host.sysctl(f"net.ipv6.{setting}", 0)
        return host

    def link(self, a, a_device, b, b_device):
        """A veth pair between two hosts; both ends still down."""
        subprocess.run(["ip", "-n", a.netns, "link", "add", a_device, "type", "veth",
                        "peer", "name", b_device, "netns", b.netns], check=True)


# A config: two interfaces of the kernel's.
LEFT_AND_RIGHT = """
[partner.left]
driver = "af_packet"
device = "left"

[partner.right]
driver = "af_packet"
device = "right"
"""


class Weftd(weftd.Weftd):
    """A weftd that runs in a host of the lab."""

    def __init__(self, lab, host, config, name="weft", control_groups=False):
        def start(command, **options):
            return host.start(*command, control_groups=control_groups, **options)

        super().__init__(lab.folder, config, name, start=start)


def main(module):
    """Runs a module's unittest cases, or says why it cannot."""
    import unittest

    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(module=module, verbosity=2)
