"""Names and addresses are derived from a checkout and do not collide. No cluster is needed."""

import ipaddress
import os
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.common.errors import UsageError
from seawall.testbed.cluster.instance import MAX_NODES, instance_of, write_note
from seawall.testbed.cluster.network import Network
from seawall.testbed.cluster.node_boot import daemons_of
from tests.support.ranges import routed_range


@pytest.fixture(autouse=True)
def no_configured_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEAWALL_RANGE", raising=False)
    monkeypatch.delenv("SEAWALL_STATE_DIR", raising=False)


def test_instance_is_stable_for_a_checkout_and_differs_between_checkouts() -> None:
    one, again = (instance_of(Path("/srv/a"), nodes=1) for _ in range(2))
    other = instance_of(Path("/srv/b"), nodes=1)
    assert one == again
    assert one.name != other.name
    assert one.data != other.data


def test_the_ranges_of_an_instance_do_not_overlap() -> None:
    instance = instance_of(Path("/srv/a"), nodes=MAX_NODES)
    network = ipaddress.IPv4Network(instance.network)
    services = ipaddress.IPv4Network(instance.service_range)
    pods = ipaddress.IPv4Network(instance.pod_range)
    machines = ipaddress.IPv4Network(f"{instance.host_address}/24", strict=False)
    for part in (services, pods, machines):
        assert part.subnet_of(network)
    assert not services.overlaps(pods)
    assert not machines.overlaps(services)
    assert not machines.overlaps(pods)
    for address in (instance.api_service, instance.dns_service):
        assert ipaddress.ip_address(address) in services
    assert ipaddress.ip_address(instance.api_service) == services[1]


def test_machines_have_distinct_addresses_mac_addresses_and_pod_ranges() -> None:
    instance = instance_of(Path("/srv/a"), nodes=MAX_NODES)
    addresses = {instance.address(m) for m in instance.machines}
    assert len(addresses) == MAX_NODES + 1
    assert len({instance.mac(m) for m in instance.machines}) == MAX_NODES + 1
    ranges = [ipaddress.IPv4Network(instance.node_pod_range(m)) for m in instance.node_machines]
    assert len(set(ranges)) == MAX_NODES
    assert all(r.subnet_of(ipaddress.IPv4Network(instance.pod_range)) for r in ranges)


def test_interface_name_has_at_most_15_characters() -> None:
    assert len(f"{instance_of(Path('/srv/a'), nodes=1).name}h") <= 15


@pytest.mark.parametrize("nodes", [0, -1, MAX_NODES + 1])
def test_number_of_nodes_outside_the_limits_is_refused(nodes: int) -> None:
    with pytest.raises(UsageError, match=f"nodes: {nodes} is not between 1 and {MAX_NODES}"):
        instance_of(Path("/srv/a"), nodes=nodes)


@pytest.mark.parametrize("text", ["63", "128", "ten", "-70", "7.0"])
def test_address_range_outside_the_limits_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAWALL_RANGE", text)
    with pytest.raises(UsageError, match=r"SEAWALL_RANGE: '.*' is not a number from 64 to 127"):
        instance_of(Path("/srv/a"), nodes=1)


def test_configured_address_range_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_RANGE", "77")
    assert instance_of(Path("/srv/a"), nodes=1).network == "10.77.0.0/16"


def test_routed_address_range_is_skipped_unless_the_cluster_uses_it(
    variables: dict[str, str], tmp_path: Path
) -> None:
    del variables
    preferred = instance_of(tmp_path / "home", nodes=1)
    with routed_range(str(preferred.octet)):
        other = instance_of(tmp_path / "home", nodes=1)
        Network(other).check_range_is_free()
        preferred.data.mkdir(parents=True)
        write_note(preferred, tmp_path)
        kept = instance_of(tmp_path / "home", nodes=1)
    assert other.octet != preferred.octet
    assert other.name == preferred.name
    assert kept == preferred


def test_address_range_of_a_stopped_cluster_is_skipped(
    variables: dict[str, str], tmp_path: Path
) -> None:
    del variables
    preferred = instance_of(tmp_path / "home", nodes=1)
    stopped = replace(preferred, name="swother", data=preferred.data.with_name("swother"))
    stopped.data.mkdir(parents=True)
    write_note(stopped, tmp_path)
    assert instance_of(tmp_path / "home", nodes=1).octet != preferred.octet


def test_daemons_of_a_node_do_not_depend_on_the_path_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = instance_of(Path("/srv/a"), nodes=1)
    before = daemons_of(instance, "n1"), daemons_of(instance, "cp")
    monkeypatch.setenv("PATH", f"/somewhere/.venv/bin:{os.environ['PATH']}")
    assert (daemons_of(instance, "n1"), daemons_of(instance, "cp")) == before, (
        "`up` would restart every machine for it"
    )
