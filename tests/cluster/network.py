"""The network of a cluster: one bridge, that carries every address of it, and a network of its own from 10.203.0.0/16.

The bridge's name is the claim: who can make it has its number, and the addresses that go with it. Every server listens
on an address of the bridge, on its usual port, so that clusters live side by side and no port is ever taken.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

NETWORKS = [*IPv4Network("10.203.0.0/16").subnets(new_prefix=20)]
WIDE = 16
"""A route's prefix; one that is wider is no sign that somebody has just these addresses."""

BRIDGE = re.compile(r"eightbells\d+")
LISTENS = "0A"
"""The state TCP_LISTEN of a line of /proc/net/tcp."""

MAX_NODES = 14
"""A network has sixteen parts of 256 addresses: hosts, services, and one for the pods of each node."""


class NetworkError(RuntimeError):
    """There is no network for a cluster here; the message says why."""


@dataclass(frozen=True, slots=True)
class Network:
    number: int

    @property
    def bridge(self) -> str:
        return f"eightbells{self.number}"

    @property
    def hardware(self) -> str:
        """The bridge's own address. Without one it takes the lowest of its ports': each time a pod with a lower one
        comes or goes, the others go on sending to an address that nobody has.
        """
        return f"02:eb:00:00:00:{self.number:02x}"

    @property
    def all(self) -> IPv4Network:
        return NETWORKS[self.number]

    @property
    def host(self) -> IPv4Address:
        """Where pods reach servers of the host; their gateway, too."""
        return self.all[1]

    @property
    def store(self) -> IPv4Address:
        return self.all[2]

    @property
    def services(self) -> IPv4Network:
        return self._part(1)

    @property
    def api(self) -> IPv4Address:
        """The address of the service `kubernetes`, where the API server itself listens: nothing forwards here."""
        return self.services[1]

    def node(self, index: int) -> IPv4Address:
        return self.all[10 + index]

    def pods(self, index: int) -> IPv4Network:
        """The addresses for pods of one node."""
        return self._part(2 + index)

    def add(self, address: IPv4Address) -> None:
        """Give the bridge one more address."""
        set_ip("address", "replace", f"{address}/{self.all.prefixlen}", "dev", self.bridge)

    def _part(self, number: int) -> IPv4Network:
        return [*self.all.subnets(new_prefix=24)][number]


def claim_network() -> Network:
    """Make the bridge of the first number that nobody has. Raises `NetworkError`."""
    routes = [IPv4Network(each["dst"]) for each in _list("-4", "route") if each["dst"] != "default"]
    # A wide one, such as a VPN's to all of 10.0.0.0/8, gives way to ours.
    routes = [route for route in routes if route.prefixlen >= WIDE]
    said = ""
    for number, network in enumerate(NETWORKS):
        if any(network.overlaps(route) for route in routes):
            continue
        claimed = Network(number)
        made = run_ip("link", "add", "name", claimed.bridge, "address", claimed.hardware, "type", "bridge")
        if made.returncode == 0:
            set_ip("link", "set", claimed.bridge, "up")
            for address in (claimed.host, claimed.store, claimed.api):
                claimed.add(address)
            return claimed
        said = made.stderr.strip()
    raise NetworkError(f"no free network for a cluster: {said or 'every part of 10.203.0.0/16 has a route'}")


def list_bridges() -> list[str]:
    """The interfaces that are some cluster's."""
    return [each["ifname"] for each in _list("link") if BRIDGE.fullmatch(each["ifname"])]


def is_served(bridge: str) -> bool:
    """Whether somebody listens on an address of it, be it a process that is hidden from us in a container."""
    asked = run_ip("-json", "-4", "address", "show", "dev", bridge)
    own = {IPv4Address(each["local"]) for link in json.loads(asked.stdout or "[]") for each in link["addr_info"]}
    return not own.isdisjoint(_list_listening())


def has_interface(name: str) -> bool:
    return any(each["ifname"] == name for each in _list("link"))


def remove_bridge(name: str) -> None:
    """Take the bridge away, if it is there, and every address with it."""
    if has_interface(name):
        set_ip("link", "delete", name)


def set_ip(*words: str) -> None:
    ran = run_ip(*words)
    if ran.returncode:
        raise NetworkError(f"ip {' '.join(words)}: {ran.stderr.strip()}")


def run_ip(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)


def _list(*words: str) -> list[dict[str, str]]:
    ran = run_ip("-json", *words, "show")
    found: list[dict[str, str]] = json.loads(ran.stdout or "[]")
    return found


def _list_listening() -> set[IPv4Address]:
    """The addresses that servers of this machine's network listen on. The kernel writes them in the machine's order."""
    _, *lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
    places = [place for _, place, _, state, *_ in lines if state == LISTENS]
    return {IPv4Address(int(place.partition(":")[0], 16).to_bytes(4, sys.byteorder)) for place in places}
