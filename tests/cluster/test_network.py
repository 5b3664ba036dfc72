"""Networks of clusters: nobody's addresses are anybody else's."""

import os
import socket
from itertools import combinations
from pathlib import Path

import pytest

from tests.cluster.cluster import sweep
from tests.cluster.locks import locked
from tests.cluster.network import MAX_NODES, NETWORKS, Network, claim_network, list_bridges, remove_bridge, set_ip
from tests.cluster.plan import ROOT


def test_no_two_clusters_share_an_address() -> None:
    """The networks of two numbers do not overlap."""
    assert not any(one.overlaps(other) for one, other in combinations(NETWORKS, 2))


@pytest.mark.parametrize("number", [0, len(NETWORKS) - 1])
def test_every_address_of_a_cluster_has_one_purpose(number: int) -> None:
    """Servers, services and the pods of each node lie apart, and all inside the network."""
    network = Network(number)
    servers = [network.host, network.store, *(network.node(index) for index in range(MAX_NODES))]
    pods = [network.pods(index) for index in range(MAX_NODES)]
    assert len({*servers, network.api}) == len(servers) + 1
    assert not any(one.overlaps(other) for one, other in combinations([*pods, network.services], 2))
    assert not any(server in part for server in servers for part in (*pods, network.services))
    assert network.api in network.services
    assert all(part.subnet_of(network.all) for part in (*pods, network.services))


@pytest.mark.timeout(90)  # others may just be starting clusters of their own
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes interfaces: run as root")
def test_who_claims_a_network_has_it_alone() -> None:
    """Two claims are two networks, each with its bridge; without its bridge a network is free again."""
    with locked(ROOT.parent):  # nobody takes them for somebody's who has died
        claimed = [claim_network(), claim_network()]
        bridges = [network.bridge for network in claimed]
        assert len({*bridges}) == 2
        assert {*bridges} <= {*list_bridges()}
        for bridge in bridges:
            remove_bridge(bridge)
            remove_bridge(bridge)
        assert not {*bridges} & {*list_bridges()}


@pytest.mark.timeout(90)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes interfaces: run as root")
def test_a_bridge_keeps_its_address_whoever_joins() -> None:
    """Pods come and go, and the others' way to the host stays the same."""
    with locked(ROOT.parent):
        network = claim_network()
        try:
            port = f"{network.bridge}p"
            set_ip(
                "link", "add", "name", port, "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", f"{port}p"
            )
            try:
                set_ip("link", "set", port, "master", network.bridge)
                assert Path(f"/sys/class/net/{network.bridge}/address").read_text().strip() == network.hardware
            finally:
                set_ip("link", "delete", port)
        finally:
            remove_bridge(network.bridge)


@pytest.mark.timeout(90)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes interfaces: run as root")
def test_a_bridge_without_a_plan_is_swept_away_unless_it_is_served() -> None:
    """The plan of a cluster may be hidden from us, in a container; who died before he had one serves nothing."""
    with locked(ROOT.parent):
        network = claim_network()
        try:
            with socket.create_server((str(network.api), 0)):
                sweep()
                assert network.bridge in list_bridges()
            sweep()
            assert network.bridge not in list_bridges()
        finally:
            remove_bridge(network.bridge)
