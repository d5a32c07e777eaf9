# SPDX-License-Identifier: Apache-2.0
"""host - weft router - host, each in a network namespace of its own."""

import json
import re
import time

from lab import Weftd
from report import say, step, what_went_through

CONFIG = """
[node]
name = "router"

[partner.left]
driver = "af_packet"
device = "left"

[partner.right]
driver = "af_packet"
device = "right"
"""


def build_line(lab):
    h1, router, h2 = (lab.host(name) for name in ("h1", "router", "h2"))
    for host, device, subnet in ((h1, "left", 1), (h2, "right", 2)):
        lab.link(host, "eth0", router, device)
        host.up("eth0", f"10.0.{subnet}.2/24", f"fd00:{subnet}::2/64")
        router.up(device, f"10.0.{subnet}.1/24", f"fd00:{subnet}::1/64")
        host.ip(f"route add default via 10.0.{subnet}.1")
        host.ip(f"-6 route add default via fd00:{subnet}::1")
    router.sysctl("net.ipv4.ip_forward", 0)
    return h1, router, h2


def ping(host, address):
    out = host.run("ping", "-c10", "-i0.05", "-W2", address, check=False)
    came = re.search(r"(\d+) received", out)
    came = int(came.group(1)) if came else 0
    rtt = re.search(r"= [\d.]+/([\d.]+)/", out)
    step(f"ping {address}", f"{came} of 10 answered" + (f", {rtt.group(1)} ms" if rtt else ""), came == 10)


def curl(lab, client, server, address):
    (lab.folder / "page").write_text("woven\n" * 10000)
    server.start("python3", "-m", "http.server", "--bind", "::", "8080", cwd=lab.folder, stdout=-3, stderr=-3)
    page = client.run("curl", "-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--max-time", "20",
                      f"http://{address}:8080/page", check=False)
    whole = page == "woven\n" * 10000
    step(f"curl http://{address}:8080/", f"{len(page)} bytes" + (", whole" if whole else ""), whole)


def iperf3(client, server, address, *options):
    what = f"iperf3 {'UDP' if '-u' in options else 'TCP'} {address}"
    server.start("iperf3", "-s", "-1", stdout=-3, stderr=-3)
    result = {"error": "not tried"}
    for _ in range(5):
        time.sleep(0.3)  # until the server listens
        out = client.run("iperf3", "-J", "-t2", "--connect-timeout", "2000", *options, "-c", address, check=False)
        result = json.loads(out) if out else {"error": "iperf3 said nothing"}
        if "error" not in result:
            break
    else:
        return step(what, result["error"], False)
    total = result["end"].get("sum_received") or result["end"]["sum"]
    lost = f", {total['lost_percent']:.1f}% lost" if "lost_percent" in total else ""
    step(what, f"{total['bits_per_second'] / 1e6:.0f} Mbit/s{lost}", total["bits_per_second"] > 0)


def show(lab):
    say("A line in three network namespaces: host - weft router - host")
    h1, router, h2 = build_line(lab)
    weftd = Weftd(lab, router, CONFIG)
    h1.run("ping", "-c1", "-W3", "10.0.2.2", check=False)   # neighbours are found
    h1.run("ping", "-c1", "-W3", "fd00:2::2", check=False)
    ping(h1, "10.0.2.2")
    ping(h1, "fd00:2::2")
    curl(lab, h1, h2, "10.0.2.2")
    iperf3(h1, h2, "10.0.2.2")
    iperf3(h1, h2, "fd00:2::2")
    iperf3(h1, h2, "10.0.2.2", "-u", "-b50M", "-l1200")
    say("What went through the router (weft show run, weft show drops)")
    what_went_through(weftd.show("run"), weftd.show("drops"))
    code = weftd.stop()
    balance = weftd.log.read_text().strip().splitlines()[-1].partition("stopped: ")[2]
    step("clean stop, all accounted for", balance, code == 0)
