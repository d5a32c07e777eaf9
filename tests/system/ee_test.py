#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""EEs in processes of their own, as an operator meets them: fences, death in every way,
restarts, and that nothing stays behind.  Root has all fences tried; without it, what is to be had."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from weftd import ROOT, Weftd


NODE = """
[node]
kernel_routes = false
pool_packets = 256
pages = "4K"
[partner.a]
driver = "loop"
wire = "w"
[partner.b]
driver = "loop"
wire = "w"
[wire.w]
link = "raw"
"""

# Says what it was given, and lives as its argument says.  It speaks no Snow: sdk_test.py has
# those that do.
PROGRAM = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(int number) { (void)number; _exit(0); }

int main(int argc, char** argv) {
  const char* const how = argc > 1 ? argv[1] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("fd %s, shadow %s, \033[31m\n", getenv("WEFT_SNOW_FD"), open("/etc/shadow", O_RDONLY) >= 0 ? "seen" : "hidden");
  if (strcmp(how, "fails") == 0) return 3;
  signal(SIGTERM, strncmp(how, "stays", 5) == 0 ? SIG_IGN : leave);
  if (strcmp(how, "stays without its node") == 0) close(atoi(getenv("WEFT_SNOW_FD")));
  if (strcmp(how, "chatters") == 0) {
    int i;
    for (i = 0; i < 100000; i++) printf("line %d\n", i);
  }
  for (;;) pause();
}
"""


# Loaded into weftd.  Its first build leaves behind what its argument says.
LOADED = r"""
#include <nodeos_api/an_ee.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char bytes[40] = {0x45, 0, 0, 40};
static char until[4096];
static volatile int build = BUILD, seen;

static void* stay(void* arg) {
  const struct timespec a_while = {0, 1000000};
  while (access(until, F_OK) != 0) {
    nanosleep(&a_while, 0);
    seen = build;
  }
  return arg;
}
static void release(void* arg) { *(volatile int*)arg = build; }

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  if (argc != 3) return AN_EINVAL;
  strncpy(until, argv[2], sizeof until - 1);
  if (BUILD == 2) return an_log(self, AN_LOG_INFO, "build 2");
  if (strcmp(argv[1], "thread") == 0) {
    if (an_threadSpawn(NULL, self, stay, NULL) == NULL) return an_errno();
  } else {
    an_OutChan out = an_outchanCreate(NULL, self, "a", "", NULL);
    an_Packet packet = an_packetAttach(NULL, self, bytes, sizeof bytes, 0, release, (void*)&seen);
    if (out == NULL || packet == NULL || an_outchanSend(out, packet) != AN_OK) return an_errno();
  }
  return an_log(self, AN_LOG_INFO, "build 1");
}
"""


class LoadedEes(unittest.TestCase):
    """What an EE in weftd's process left behind runs on in its code, although another build of it is there."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-loaded-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "x.c").write_text(LOADED)
        for number in (1, 2):
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", f"-DBUILD={number}", f"-I{ROOT}", "-o",
                            cls.folder / f"{number}.so", cls.folder / "x.c"], check=True)

    def install(self, number):
        """In place of the one before, as installations do it: another file."""
        shutil.copy(self.folder / f"{number}.so", self.folder / "new.so")
        (self.folder / "new.so").rename(self.folder / "x.so")

    def start(self, what, wire=""):
        self.install(1)
        self.until = self.folder / "until"
        self.until.unlink(missing_ok=True)
        self.weftd = Weftd(self.folder, NODE + wire + f"""
[ee.x]
load = "{self.folder}/x.so"
args = ["{what}", "{self.until}"]
restart = "never"
""")
        self.addCleanup(self.weftd.stop)

    def mapped(self):
        """How many files of that name have code there."""
        lines = pathlib.Path(f"/proc/{self.weftd.process.pid}/maps").read_text().splitlines()
        return sum(f"{self.folder}/x.so" in line and " r-xp " in line for line in lines)

    def wait_for(self, what):
        deadline = time.monotonic() + 20
        while not what():
            self.assertLess(time.monotonic(), deadline, self.weftd.said())
            time.sleep(0.05)

    def exchange(self):
        self.weftd.weft("ee", "stop", "x")
        self.install(2)
        self.weftd.weft("ee", "start", "x")
        return True

    def expect_kept(self, what):
        """As long as there is something left; and the next start is of the next build."""
        self.weftd.weft("ee", "stop", "x")
        self.assertEqual(what(), 1)
        self.assertIn("x.so is still needed by what an EE of it left when it ended",
                      self.weftd.weft("ee", "start", "x", check=False).stderr)
        self.install(2)
        self.weftd.weft("ee", "start", "x")
        self.assertEqual(self.mapped(), 2)
        self.assertRegex(self.weftd.said(), "(?s)build 1.*build 2")
        self.until.touch()
        self.wait_for(lambda: what() == 0)
        self.wait_for(lambda: self.exchange() and self.mapped() == 1)
        self.assertEqual(self.weftd.stop(), 0, self.weftd.said())

    def threads(self):
        count = 0
        for task in pathlib.Path(f"/proc/{self.weftd.process.pid}/task").iterdir():
            try:
                count += (task / "comm").read_text() == "weft-ee\n"
            except OSError:  # it has ended meanwhile
                pass
        return count

    def test_a_thread(self):
        self.start("thread")
        self.expect_kept(self.threads)

    def test_memory_on_its_way(self):
        self.start("memory", wire="delay_us = 8000000\n")
        self.expect_kept(lambda: self.weftd.show("pools")["pools"][0]["in_use"])


class Ees(unittest.TestCase):
    AS = []  # what weftd is started by

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-ee-"))
        cls.folder.chmod(0o777)
        (cls.folder / "p.c").write_text(PROGRAM)
        cls.program = cls.folder / "program"
        subprocess.run(["cc", "-O1", "-o", cls.program, cls.folder / "p.c"], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def start(self, ees):
        self.weftd = Weftd(self.folder, NODE + ees.format(program=self.program),
                           start=lambda command, **options: subprocess.Popen([*self.AS, *command], **options))
        self.addCleanup(self.end)

    def end(self):
        return self.weftd.stop()

    def log(self):
        return self.weftd.said()

    def wait_for(self, what, seconds=10):
        deadline = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.01)

    def weft(self, *words):
        return self.weftd.weft(*words, check=False)

    def ee(self):
        return self.weftd.ee("x")

    def pid(self):
        return int(self.ee()["place"].removeprefix("process "))

    def alive(self, pid):
        return pathlib.Path(f"/proc/{pid}").exists()

    def status(self, pid):
        return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)

    def test_fences_and_output(self):
        self.start('[ee.x]\nexec = ["{program}"]\nmemory = "32M"\ncpu = 50\n')
        self.wait_for(lambda: "ee x: fd 3" in self.log())
        self.assertIn("ee x: fd 3, shadow hidden, \\x1b[31m", self.log())
        ee = self.ee()
        self.assertEqual((ee["state"], ee["starts"]), ("running", 1))
        said = " ".join(ee["fences"] + ee["lacks"])
        for fence in ("user", "no capabilities", "no new privileges", "seccomp", "namespaces", "landlock", "memory limit",
                      "cpu limit", "tasks limit"):
            self.assertIn(fence, said)
        for lack in ee["lacks"]:
            self.assertEqual(self.log().count("runs without " + lack), 1)  # once
        status = self.status(self.pid())
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        if not any(lack.startswith("a user of its own: ") for lack in ee["lacks"]):
            self.assertNotEqual(status["Uid"].split()[0], "0")

    def test_kill_9_and_it_is_back(self):
        self.start('[ee.x]\nexec = ["{program}"]\n')
        first = self.pid()
        os.kill(first, signal.SIGKILL)
        self.wait_for(lambda: self.ee()["starts"] == 2)
        ee = self.ee()
        self.assertEqual((ee["state"], ee["last_end"]), ("running", "killed by SIGKILL"))
        self.assertNotEqual(self.pid(), first)
        self.assertFalse(self.alive(first))
        self.assertRegex(self.log(), r"ee x ended: killed by SIGKILL\n.*ee x is started again in 0\.1 s")

    def test_back_off_while_it_fails(self):
        self.start('[ee.x]\nexec = ["{program}", "fails"]\n')
        self.wait_for(lambda: self.ee()["starts"] >= 3)
        self.assertEqual(self.ee()["last_end"], "exit status 3")
        for wait in ("0.1 s", "0.2 s"):
            self.assertIn("is started again in " + wait, self.log())
        self.assertEqual(self.weft("ee", "stop", "x").returncode, 0)
        before = self.ee()["starts"]
        time.sleep(1)
        self.assertEqual((self.ee()["state"], self.ee()["starts"]), ("stopped", before))

    def test_stop_start_and_their_mistakes(self):
        self.start('[ee.x]\nexec = ["{program}"]\nrestart = "always"\n')
        pid = self.pid()
        done = self.weft("ee", "stop", "x")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^x +stopped .*exit status 0")
        self.assertFalse(self.alive(pid))
        self.assertEqual(self.weft("ee", "stop", "x").stderr, "weft: EE 'x' is not running\n")
        self.assertEqual(self.weft("ee", "stop", "y").stderr, "weft: no EE 'y'; there are: x\n")
        for action in ("stop", "start", "restart"):
            self.assertEqual(self.weft("ee", action, "mee").stderr,
                             "weft: 'mee' is the management EE itself, which starts and ends with weftd\n")
        self.assertEqual(self.weft("ee", "start", "x").returncode, 0)
        self.assertEqual(self.weft("ee", "start", "x").stderr, "weft: EE 'x' is running already\n")
        self.assertEqual(self.weft("ee", "restart", "x").returncode, 0)
        self.wait_for(lambda: self.ee()["starts"] == 3)

    def test_one_that_does_not_stop_is_killed(self):
        self.start('[ee.x]\nexec = ["{program}", "stays though asked"]\n')
        self.wait_for(lambda: "ee x: fd 3" in self.log())
        begin = time.monotonic()
        done = self.weft("ee", "stop", "x")
        self.assertRegex(done.stdout, r"(?m)^x +stopped .*killed by SIGKILL")
        self.assertTrue(4.5 < time.monotonic() - begin < 8)

    def test_one_that_leaves_its_node_and_stays_is_killed(self):
        """Nobody asks it to end, and it is of no use any more: it is started again."""
        self.start('[ee.x]\nexec = ["{program}", "stays without its node"]\n')
        self.wait_for(lambda: "ee x hung up" in self.log())
        self.wait_for(lambda: self.ee()["starts"] == 2)
        self.assertIn("ee x ended: killed by SIGKILL", self.log())

    def test_an_ee_cannot_fill_the_log(self):
        self.start('[ee.x]\nexec = ["{program}", "chatters"]\n')
        self.wait_for(lambda: "ee x: line 10" in self.log())
        time.sleep(1.5)
        self.weft("ee", "stop", "x")
        self.assertLess(self.log().count("ee x: line"), 400)
        self.assertRegex(self.log(), r"ee x: \d+ lines were too many, and are lost")

    def test_it_ends_with_weftd_whatever_happens(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how.name):
                self.start('[ee.x]\nexec = ["{program}", "stays though asked"]\n')
                pid = self.pid()
                os.kill(self.weftd_pid(), how)
                self.weftd.process.wait(timeout=20)
                self.wait_for(lambda: not self.alive(pid))
                (self.folder / "w.sock").unlink(missing_ok=True)
                self.remove_groups()

    def weftd_pid(self):
        return self.weftd.process.pid

    def remove_groups(self):
        """What a weftd that was killed could not."""
        for group in pathlib.Path("/sys/fs/cgroup").glob(f"*/**/weft-{self.weftd_pid()}-x"):
            group.rmdir()

    def test_no_control_group_stays(self):
        self.start('[ee.x]\nexec = ["{program}"]\nmemory = "32M"\n')
        pid = self.weftd_pid()
        self.assertEqual(self.end(), 0, self.log())
        self.assertEqual(list(pathlib.Path("/sys/fs/cgroup").glob(f"*/**/weft-{pid}-x")), [])

    def test_what_cannot_start_is_said(self):
        self.start('[ee.x]\nexec = ["/usr/lib/no-such-ee"]\nrestart = "never"\n')
        ee = self.ee()
        self.assertEqual((ee["state"], ee["last_end"]), ("failed", "/usr/lib/no-such-ee: No such file or directory"))
        self.assertEqual(self.weft("ee", "start", "x").stderr, "weft: /usr/lib/no-such-ee: No such file or directory\n")


class EesWithoutRoot(Ees):
    """The same with a weftd that is not root."""
    AS = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"]

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("the tests before this were without root")
        super().setUpClass()


class EesOfAUserNamespace(EesWithoutRoot):
    """Root, but of a user namespace that has no other user."""
    AS = ["unshare", "--user", "--map-root-user"]


class EesWithoutNamespaces(EesWithoutRoot):
    """Where no network namespace is to be had."""
    AS = ["unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"', "sh"]

    def test_it_is_said(self):
        self.start('[ee.x]\nexec = ["{program}"]\n')
        lacks = self.ee()["lacks"]
        self.assertTrue(any(lack.startswith("namespaces: clone3: ") for lack in lacks), lacks)


if __name__ == "__main__":
    if shutil.which("cc") is None:
        print("not run: no C compiler")
        sys.exit(77)
    unittest.main(verbosity=2)
