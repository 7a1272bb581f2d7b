"""The evaluator of network policies follows Kubernetes."""

from typing import Any

import pytest

from tests.infra.reachability import Destination, Place, reaches
from tests.infra.test_network_policies import HOME, NEIGHBOUR, STRANGER


def policy(spec: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"namespace": "seawall"}, "spec": spec}


TO_STRANGER = Destination(STRANGER, 80)


EVERYBODY: dict[str, Any] = {}


CASES: list[tuple[dict[str, Any], bool]] = [
    ({"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress"]}, True),
    ({"podSelector": EVERYBODY, "policyTypes": ["Ingress"]}, False),
    ({"podSelector": EVERYBODY}, False),
    ({"podSelector": EVERYBODY, "policyTypes": ["Egress"]}, True),
    ({"podSelector": EVERYBODY, "ingress": [EVERYBODY]}, True),
    ({"podSelector": EVERYBODY, "ingress": [{"ports": [{"port": 80}]}]}, True),
    ({"podSelector": EVERYBODY, "ingress": [{"ports": [{"port": 80, "protocol": "UDP"}]}]}, False),
    ({"podSelector": EVERYBODY, "ingress": [{"ports": [{"port": 1, "endPort": 80}]}]}, True),
    ({"podSelector": EVERYBODY, "ingress": [{"ports": [{"port": "http"}]}]}, False),
    ({"podSelector": EVERYBODY, "ingress": [{"from": [{"podSelector": EVERYBODY}]}]}, False),
    ({"podSelector": EVERYBODY, "ingress": [{"from": [{"namespaceSelector": EVERYBODY}]}]}, True),
    (
        {"podSelector": EVERYBODY, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
        True,
    ),
    (
        {
            "podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
            "ingress": [
                {
                    "from": [
                        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.9.0/24"]}},
                        {
                            "namespaceSelector": EVERYBODY,
                            "podSelector": {
                                "matchExpressions": [
                                    {"key": "app", "operator": "NotIn", "values": ["other"]}
                                ]
                            },
                        },
                    ]
                }
            ],
        },
        False,
    ),
]


@pytest.mark.parametrize(("spec", "open_to_neighbours"), CASES)
def test_evaluator_follows_kubernetes_network_policy_semantics(
    spec: dict[str, Any],
    open_to_neighbours: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert reaches([policy(spec)], NEIGHBOUR, TO_STRANGER) is open_to_neighbours


def test_evaluator_resolves_named_ports() -> None:
    named = Place("10.1.0.9", "seawall", {}, HOME, {"http": 8080})
    spec = {"podSelector": EVERYBODY, "ingress": [{"ports": [{"port": "http"}]}]}
    assert reaches([policy(spec)], NEIGHBOUR, Destination(named, 8080))
    assert not reaches([policy(spec)], NEIGHBOUR, Destination(named, 8081))
