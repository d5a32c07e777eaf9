#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where Weft means to differ from Linux, with the RFC that says why.

Each Difference names the packets that it is about and what comes of them on either side
(names of outcome.py); anything else that happens to the same packets is not explained by
it.  differential_test.py fails for a difference that is not listed here, and for one that
is listed and that no packet shows.  Run as a program, this prints docs/differences.md.
"""

import dataclasses
import ipaddress
import re
import typing

import outcome

OPTION_RECORD_ROUTE, OPTION_TIMESTAMP, OPTION_CIPSO = 7, 68, 134
HALF_ENTRY = {OPTION_RECORD_ROUTE: 3, OPTION_TIMESTAMP: 4}  # bytes in front of the entries

ZERO_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
ZERO = ipaddress.IPv4Address(0)
LINKS4 = [ipaddress.IPv4Network(f"10.0.{n}.0/24") for n in (1, 2, 3)]
OWN = [a for n in (1, 2, 3) for a in (f"10.0.{n}.1", f"fd00:{n}::1")]
ANYCAST6 = [ipaddress.IPv6Address(f"fd00:{n}::") for n in (1, 2, 3)]


@dataclasses.dataclass(frozen=True)
class Difference:
    title: str
    rfc: str
    linux: str  # what it does, in a sentence
    weft: str
    explains: typing.Callable  # (Offered, what Linux made of it, what Weft made of it): this is it
    depends_on_kernel: bool = False  # some kernels do as Weft does


def one(pattern, names):
    """Exactly one output, and it is this."""
    return len(names) == 1 and re.fullmatch(pattern, names[0]) is not None


def without_options(name):
    return name.replace(", options", "")


def zero_source(offered, linux, weft):
    return offered.is4 and offered.source in ZERO_NETWORK and offered.source != ZERO and one("out: forwarded", linux) and not weft


def zero_destination(offered, linux, weft):
    return (offered.is4 and offered.destination in ZERO_NETWORK and offered.destination != ZERO
            and one("in: icmp 3/0(, options)?", linux) and not weft)


def broadcast_source(offered, linux, weft):
    ends = [a for link in LINKS4 for a in (link.network_address, link.broadcast_address)]
    return (offered.is4 and offered.source in ends and not weft
            and one("out: forwarded|(in|out|small): icmp (11/0|3/0)(, broadcast)?", linux))


def old_broadcast_destination(offered, linux, weft):
    return (offered.is4 and offered.destination in [link.network_address for link in LINKS4] and not weft
            and one("(in|out|small): (forwarded|icmp 11/0)", linux))


def options_in_errors(offered, linux, weft):
    kinds = set(offered.options) & set(HALF_ENTRY) if offered.is4 else None
    if not kinds or not one("in: icmp (11/0|3/0|3/4 mtu 1280)", weft):
        return False
    if one(re.escape(weft[0]) + ", options", linux):
        return True
    # Linux finds no room for half an entry, and then cannot send at all.
    return not linux and any((offered.options[kind] - HALF_ENTRY[kind]) % 4 for kind in kinds)


def kernel_complains(offered, linux):
    """Whether a kernel that does not forward says the same of the packet as one that does.  Then
    Weft's own word makes it two."""
    if not (offered.is4 or offered.is6) or offered.destination.is_multicast or str(offered.destination) in OWN:
        return False  # what is the kernel's own affair
    return one(r"(in|out|small): (icmp 12/0 at \d+(, options)?|icmp6 (1/[01]|4/[02] at \d+) from \S+)", linux)


def kernel_reads_along(offered, linux, weft):
    return kernel_complains(offered, linux) and weft == sorted([linux[0], without_options(linux[0])])


def cipso(offered, linux, weft):
    if not offered.is4 or OPTION_CIPSO not in offered.options or not one(r"in: icmp 12/0 at \d+, options", linux):
        return False
    own = list(weft)
    if linux[0] in own:
        own.remove(linux[0])  # the kernel reads along
    fragments = len(own) == 2 and all(name.startswith("small: 02") for name in own)
    return fragments or one("out: forwarded|in: icmp (11/0|3/4 mtu 1280)", own)


def router_discovery(offered, linux, weft):
    return offered.is4 and offered.icmp_type() in (9, 10) and not linux and one("in: icmp (11/0|3/0|3/4 mtu 1280)", weft)


def mapped_source(offered, linux, weft):
    return offered.is6 and offered.source.ipv4_mapped is not None and one("out: forwarded", linux) and not weft


def link_local_destination(offered, linux, weft):
    return offered.is6 and offered.destination.is_link_local and one("in: (forwarded|icmp6 3/0 from fd00:1::1)", linux) and not weft


def redirect(offered, linux, weft):
    if not offered.is6 or offered.icmp_type() != 137:
        return False
    if kernel_complains(offered, linux):
        return weft == linux  # it is only the kernel's
    return not weft and one("in: icmp6 (3/0|2/0 mtu 1280) from fd00:1::1", linux)


def unspecified_destination(offered, linux, weft):
    # What there is on the other side is only the kernel's.
    return offered.is6 and offered.destination.is_unspecified and one("in: icmp6 1/0 from fd00:1::1", linux) and weft == linux


def anycast(offered, linux, weft):
    if not offered.is6 or offered.destination not in ANYCAST6 or len(linux) != 1:
        return False
    what, _, source = linux[0].partition(" from ")
    return source == str(offered.destination) and weft == [what + " from fd00:1::1"]


def empty_payload(offered, linux, weft):
    if not offered.is6 or offered.ip[4:6] != b"\0\0" or offered.ip[6] != 0 or weft:
        return False
    ip = offered.ip[:7] + bytes([offered.ttl - 1 & 255]) + offered.ip[8:]
    whole = b"".join(outcome.MACS["out"]) + offered.frame[12:14] + ip
    return linux == ["out: " + whole.hex()] or one("in: icmp6 3/0 from fd00:1::1", linux)


DELIBERATE = [
    Difference("Sources in 0.0.0.0/8", "RFC 1122 section 3.2.1.3 (b), RFC 1812 section 5.3.7, RFC 6890 section 2.2.2",
               "takes all but 0.0.0.0 itself for hosts, and forwards their packets.",
               "drops them as martians: this network's own numbers mean nothing to others.", zero_source),
    Difference("Destinations in 0.0.0.0/8", "RFC 1122 section 3.2.1.3 (b), RFC 1812 section 5.3.7",
               "answers network unreachable when it has no route there.",
               "drops them as martians, and says nothing, whatever the routes.", zero_destination),
    Difference("Sources that are a broadcast address of one of the router's links",
               "RFC 1812 sections 4.2.2.11 (d) and 5.3.7",
               "forwards such packets when rp_filter is off, and sends errors about them to everyone on the link.",
               "drops them as martians.", broadcast_source),
    Difference("Destinations with a host number of zero on one of the router's links", "RFC 1812 section 4.2.3.1 (2)",
               "takes 10.0.1.0 on 10.0.1.0/24 for a host like any other.",
               "discards packets to it silently, as to the old form of the broadcast address.", old_broadcast_destination),
    Difference("Options in ICMP errors", "RFC 1812 sections 4.3.2.6 and 5.3.1, RFC 792",
               "copies record route and timestamp into its errors, with an entry of its own; when half an entry is left, "
               "it sends no error.",
               "sends errors without options, always: only a source route would have to be copied.", options_in_errors),
    Difference("The kernel reads along", "RFC 1812 section 4.3.3.5, RFC 4443 sections 3.1 and 3.4",
               "says once what is wrong with a packet's options, or that there is no IPv6 route.",
               "says it too, on an interface whose addresses are the kernel's: the sender hears it from both. The kernel "
               "sees the same packets, and complains of these even when it does not forward.", kernel_reads_along),
    Difference("CIPSO", "RFC 1812 section 5.3.13.1, RFC 7126 section 4.12",
               "refuses the option with a parameter problem, when it is built with NetLabel and does not know the domain.",
               "forwards the packet with the option unchanged, as any option that it does not know.", cipso, True),
    Difference("Errors about ICMP router discovery", "RFC 1812 sections 4.3.2.7 and 5.2.7, RFC 1256",
               "counts types 9 and 10 as errors, about which no error may be sent.",
               "sends the error that is due: they are not errors.", router_discovery),
    Difference("IPv4-mapped sources", "RFC 6890 section 2.2.3 (not forwardable), RFC 4291 section 2.5.5.2",
               "forwards packets from ::ffff:0:0/96.", "drops them as martians.", mapped_source),
    Difference("Link-local destinations", "RFC 4291 section 2.5.6",
               "forwards packets to them back onto the link that they came from.",
               "drops them silently: they are the link's own affair.", link_local_destination),
    Difference("The unspecified address as IPv6 destination", "RFC 4291 section 2.5.2",
               "says that it has no route there.",
               "drops the packet as a martian; only the kernel, where it reads along, says something.",
               unspecified_destination),
    Difference("Errors about ICMPv6 redirects", "RFC 4443 section 2.4 (e.2)",
               "sends errors about redirects that it forwards.", "sends none, as the RFC demands.", redirect),
    Difference("Who speaks for the subnet-router anycast address", "RFC 4443 section 2.2 (b), RFC 4291 section 2.6.1",
               "answers from the anycast address.", "answers from a unicast address of its own.", anycast),
    Difference("A payload length of 0 with a hop-by-hop header", "RFC 8200 section 3, RFC 2675 section 3",
               "forwards the packet with everything behind its header, though it says that nothing is there.",
               "drops it: only a jumbo payload may say 0.", empty_payload),
]


def document():
    """The text of docs/differences.md."""
    text = """# Where Weft differs from Linux

Weft forwards as Linux does, down to the bytes and to the ICMP errors, except for what
stands here. `tests/system/differential_test.py` sends some thousands of packets through
both and fails for any other difference; this page is made from its list
(`tests/system/differences.py`).
"""
    for d in DELIBERATE:
        paragraphs = [f"**Linux** {d.linux}", f"**Weft** {d.weft}", d.rfc + "."]
        if d.depends_on_kernel:
            paragraphs.append("Some kernels do as Weft does.")
        text += f"\n## {d.title}\n\n" + "\n\n".join(paragraphs) + "\n"
    return text


if __name__ == "__main__":
    print(document(), end="")
