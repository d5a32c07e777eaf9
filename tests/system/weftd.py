# SPDX-License-Identifier: Apache-2.0
"""A weftd that a test starts, asks and ends."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WEFT_BIN", ROOT / "build/release/bin"))


class Admin:
    """A conversation with weftd (admin/protocol.h), where to start `weft` would take too long."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # its greeting

    def ask(self, request):
        self.socket.sendall(json.dumps({"v": 1, **request}).encode() + b"\n")
        reply = json.loads(self.lines.readline())
        if not reply["ok"]:
            raise RuntimeError(reply["error"])
        return reply["data"]

    def show(self, what):
        return self.ask({"do": "show", "what": what})

    def ee(self, name):
        return next(e for e in self.ask({"do": "ee", "action": "list"})["ees"] if e["ee"] == name)

    def close(self):
        self.lines.close()
        self.socket.close()


class Weftd:
    """It is ready when this is made.  Its files lie in `folder`, and are named for it."""

    def __init__(self, folder, config, name="w", programs=(BIN / "weftd", BIN / "weft"), start=subprocess.Popen):
        """`config`: a text; None: weftd's own.  `start`: starts a command, as subprocess.Popen does."""
        program, self.client = programs
        self.socket = folder / f"{name}.sock"
        self.log = folder / f"{name}.log"
        command = [program, "--socket", self.socket]
        if config is not None:
            file = folder / f"{name}.toml"
            file.write_text(config)
            command += ["--config", file]
        with open(self.log, "w") as log:
            self.process = start(command, stderr=log)
        try:
            self._wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _wait_until_ready(self):
        for _ in range(500):
            if self.process.poll() is not None:
                raise RuntimeError(f"weftd ended: {self.said()}")
            if self.socket.exists() and self.weft("show", "pools", check=False).returncode == 0:
                return
            time.sleep(0.01)
        raise RuntimeError(f"weftd is not ready: {self.said()}")

    def weft(self, *words, check=True, timeout=30, text=True):
        done = subprocess.run([self.client, "--socket", self.socket, *words], capture_output=True, text=text, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"weft {' '.join(words)}: {done.stdout}{done.stderr}")
        return done

    def show(self, what):
        return json.loads(self.weft("show", what, "--json").stdout)

    def ee(self, name):
        return next(e for e in json.loads(self.weft("ee", "list", "--json").stdout)["ees"] if e["ee"] == name)

    def admin(self):
        return Admin(self.socket)

    def said(self):
        return self.log.read_text()

    def stop(self):
        """Ends it as an operator would, if it has not ended; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
