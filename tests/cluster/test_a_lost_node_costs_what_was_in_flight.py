"""The power of a node is cut under load that comes in by the entrance's pod of another node.

So a load balancer with health checks sends it. Nobody may notice but who waited for an answer of
the node that is gone.
"""

from collections.abc import Generator

import pytest

from contract import ports
from seawall.load import ConstantLoad
from seawall.wait import wait_until
from tests.cluster.watching import (
    all_is_well,
    constant_load,
    node_of,
    nodes_of,
    ready_pods,
    served,
    under_load,
)
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

LOOKS = 50
"""In the second before the power is cut: how many requests were in flight at most."""


@pytest.fixture(autouse=True)
def _all_is_well(environment: Environment) -> Generator[None]:
    with all_is_well(environment):
        yield


def address_of(environment: Environment, pod: str) -> str:
    return environment.kubectl("-n", "seawall", "get", "pod", pod, "-o", "jsonpath={.status.podIP}")


class PowerCut:
    """A node with a pod of the gateway, and the entrance's pod on another node."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        elsewhere = {node_of(environment, pod): pod for pod in ready_pods(environment, "entrance")}
        found = [
            (gateway, entrance)
            for gateway in ready_pods(environment, "gateway")
            for node, entrance in elsewhere.items()
            if node != node_of(environment, gateway)
        ]
        gateway, entrance = found[0]
        self.node = node_of(environment, gateway)
        self._lost = address_of(environment, gateway)
        self.url = f"http://{address_of(environment, entrance)}:{ports.ENTRANCE_HTTP}"
        self.in_flight = 0

    def cut(self, load: ConstantLoad) -> None:
        cluster = self._environment.kit.cluster()
        seen: list[int] = []

        def looked_for_a_second() -> bool:
            seen.append(load.in_flight)
            return len(seen) >= LOOKS

        wait_until(looked_for_a_second, deadline_s=10, what="a look", interval_s=1 / LOOKS)
        # The cable is cut a moment after the last look, in which a request may have been sent.
        self.in_flight = max(1, *seen)
        cluster.stop_node(self.node)

    def healed(self) -> bool:
        """Nobody is sent to the lost pod, and there are two pods again, without the node."""
        there = served(self._environment)
        return self._lost not in there and len(there) >= 2


def test_a_node_without_power_costs_nothing_but_the_requests_in_flight(
    environment: Environment,
) -> None:
    assert len(nodes_of(environment, "gateway")) >= 2
    power = PowerCut(environment)
    load = constant_load(environment, url=power.url)
    report = under_load(load, lambda: power.cut(load), power.healed, look_every_s=0.2)
    measured(
        f"power of {power.node}, which had a pod of the gateway, cut: {report.failed} of "
        f"{report.sent} requests failed, {power.in_flight} were in flight"
    )
    assert report.failed <= power.in_flight, report.failures
