"""The rendered NetworkPolicies, evaluated as a table of all allowed connections."""

from typing import Any

import pytest

from contract import ports
from tests.infra.environments import Platform, Values, changed, complete, platform_of
from tests.infra.reachability import Destination, Place, reaches

HOME = {"kubernetes.io/metadata.name": "seawall"}
CLIENT_LABELS = {"kubernetes.io/metadata.name": "shop", "seawall.dev/gateway-client": "true"}


def outside(name: str, address: str, **labels: str) -> Place:
    """A pod of another namespace."""
    return Place(address, name, {"app": name}, {"kubernetes.io/metadata.name": name, **labels})


CLIENT = Place("10.1.9.1", "shop", {"app": "shop"}, CLIENT_LABELS)
MONITORING = outside("monitoring", "10.1.9.2")
NEIGHBOUR = outside("other", "10.1.9.3")
RESOLVER = outside("kube-system", "10.1.9.4")
INTERNET = Place("203.0.113.7")
METADATA = Place("169.254.169.254")
NODE_LOCAL = Place("169.254.20.10")
PRIVATE = Place("192.168.7.7")
SHARED = Place("100.64.0.9")
STRANGER = Place("10.1.0.9", "seawall", {"app": "stranger"}, HOME)

ELSEWHERE = {
    "client:80": Destination(CLIENT, 80),
    "neighbour:443": Destination(NEIGHBOUR, 443),
    "stranger:80": Destination(STRANGER, 80),
    "internet:443": Destination(INTERNET, 443),
    "internet:443/udp": Destination(INTERNET, 443, "UDP"),
    "internet:80": Destination(INTERNET, 80),
    "metadata:80": Destination(METADATA, 80),
    "metadata:443": Destination(METADATA, 443),
    "private:443": Destination(PRIVATE, 443),
    "shared:443": Destination(SHARED, 443),
    "dns/udp": Destination(RESOLVER, 53, "UDP"),
    "dns/tcp": Destination(RESOLVER, 53),
    "dns:443": Destination(RESOLVER, 443),
    "node-dns/udp": Destination(NODE_LOCAL, 53, "UDP"),
    "node-dns/tcp": Destination(NODE_LOCAL, 53),
}
DNS = {"dns/udp", "dns/tcp"}
NODE_DNS = {"node-dns/udp", "node-dns/tcp"}
NO_POLICY = set(ELSEWHERE) - {"stranger:80"}
"""Destinations that outside pods reach regardless of the kit's policies."""


def pod(platform: Platform, name: str, address: str) -> Place:
    """A pod as the program renders it."""
    (resource,) = [item for item in platform.pods if item.name == name]
    template: dict[str, Any] = resource.inputs["spec"]["template"]
    named = {
        port["name"]: port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container["ports"]
    }
    return Place(address, "seawall", template["metadata"]["labels"], HOME, named)


def table(values: Values) -> dict[str, set[str]]:
    """For each source, the names of all destinations that it reaches."""
    platform = platform_of(values)
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    gateway = pod(platform, "gateway", "10.1.0.1")
    redis = pod(platform, "redis", "10.1.0.2")
    sources = {
        "gateway": gateway,
        "redis": redis,
        "stranger": STRANGER,
        "client": CLIENT,
        "monitoring": MONITORING,
        "neighbour": NEIGHBOUR,
        "internet": INTERNET,
    }
    targets = {
        "gateway:http": Destination(gateway, ports.GATEWAY_HTTP),
        "gateway:health": Destination(gateway, ports.GATEWAY_HEALTH),
        "redis:redis": Destination(redis, ports.REDIS),
        "redis:sentinel": Destination(redis, ports.SENTINEL),
        "redis:health": Destination(redis, ports.REDIS_HEALTH),
        **ELSEWHERE,
    }
    if values.get("seawall:simulators"):
        simulator = pod(platform, "simulator-alpha", "10.1.0.3")
        sources["simulator"] = simulator
        targets["simulator:http"] = Destination(simulator, ports.SIMULATOR_HTTP)
        targets["simulator:admin"] = Destination(simulator, ports.SIMULATOR_ADMIN)
    return {
        source: {name for name, to in targets.items() if reaches(policies, place, to)}
        for source, place in sources.items()
    }


def everything() -> Values:
    """Values with real and simulated providers, and a DNS cache on every node."""
    values = changed(complete("dev"), "simulators", ["alpha"])
    return changed(values, "network.dns", {"node_local": "169.254.20.10/32"})


def test_network_policies_open_only_the_needed_connections() -> None:
    store = {"redis:redis", "redis:sentinel"}
    assert table(everything()) == {
        "gateway": {*store, "simulator:http", "internet:443", *DNS, *NODE_DNS},
        "redis": {*store, *DNS, *NODE_DNS},
        "simulator": {*DNS, *NODE_DNS},
        "stranger": set(),
        "client": {"gateway:http", "simulator:admin", *NO_POLICY},
        "monitoring": {"gateway:health", *NO_POLICY},
        "neighbour": NO_POLICY,
        "internet": NO_POLICY,
    }


def test_network_policies_without_simulators_and_node_dns_omit_their_connections() -> None:
    store = {"redis:redis", "redis:sentinel"}
    assert table(complete("prod")) == {
        "gateway": {*store, "internet:443", *DNS},
        "redis": {*store, *DNS},
        "stranger": set(),
        "client": {"gateway:http", *NO_POLICY},
        "monitoring": {"gateway:health", *NO_POLICY},
        "neighbour": NO_POLICY,
        "internet": NO_POLICY,
    }


def test_no_egress_leaves_the_cluster_with_only_simulated_providers() -> None:
    reached = table(complete("local"))
    assert reached["gateway"] == {"redis:redis", "redis:sentinel", "simulator:http", *DNS}
    for anybody in ("client", "neighbour", "internet", "monitoring"):
        assert reached[anybody] == {"simulator:admin", *NO_POLICY}
    assert reached["stranger"] == set()


def monitoring_table(values: Values) -> dict[str, set[str]]:
    """Like `table`, for the monitoring pods: what they reach, and what reaches them."""
    platform = platform_of(values)
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    names = [item.name for item in platform.pods if item.name != "backup"]
    places = {name: pod(platform, name, f"10.1.0.{n}") for n, name in enumerate(names, 1)}
    targets = {
        "gateway:http": Destination(places["gateway"], ports.GATEWAY_HTTP),
        "gateway:health": Destination(places["gateway"], ports.GATEWAY_HEALTH),
        "redis:redis": Destination(places["redis"], ports.REDIS),
        "api:6443": Destination(PRIVATE, 6443),
        "monitoring:9090": Destination(MONITORING, 9090),
        **ELSEWHERE,
    }
    for name, port in (
        ("prometheus", ports.PROMETHEUS),
        ("metrics-adapter", ports.METRICS_ADAPTER),
    ):
        if name in places:
            targets[name] = Destination(places[name], port)
    sources = {**places, "api": PRIVATE, "neighbour": NEIGHBOUR}
    return {
        source: {name for name, to in targets.items() if reaches(policies, place, to)}
        for source, place in sources.items()
    }


def test_monitoring_pods_reach_their_targets_and_the_api_server() -> None:
    there = {"block": "192.168.7.0/24", "port": 6443}
    reached = monitoring_table(changed(complete("local"), "network.api_server", there))
    server = {"api:6443", "private:443"}
    assert reached["prometheus"] == {"gateway:health", *server, *DNS}
    assert reached["metrics-adapter"] == {"prometheus", *server, *DNS}
    for anybody in ("gateway", "redis", "neighbour"):
        assert not reached[anybody] & {"prometheus", "metrics-adapter"}, anybody
    assert reached["api"] >= {"prometheus", "metrics-adapter"}, "kubectl asks through it"


def test_unknown_api_server_address_opens_its_ports_except_to_metadata() -> None:
    reached = monitoring_table(complete("local"))["prometheus"]
    assert {"api:6443", "private:443", "internet:443"} <= reached
    assert not reached & {"metadata:443", "internet:80", "redis:redis"}


@pytest.mark.parametrize(
    ("place", "reaches_it"),
    [
        ({"namespace": {"kubernetes.io/metadata.name": "monitoring"}}, "monitoring:9090"),
        ({"block": "192.168.7.7/32", "port": 443}, "private:443"),
    ],
)
def test_metrics_adapter_reaches_an_external_prometheus(place: Values, reaches_it: str) -> None:
    values = complete("prod")
    values["seawall:images"]["metrics_adapter"] = values["seawall:images"]["gateway"]
    values["seawall:network"]["api_server"] = {"block": "10.9.9.9/32"}
    # The Service's port differs from the pods' port.
    there = {"url": "http://prometheus-server.monitoring.svc", **place}
    reached = monitoring_table(changed(values, "metrics_adapter", {"prometheus": there}))
    assert reached["metrics-adapter"] == {reaches_it, *DNS}


def test_team_monitoring_namespace_reaches_the_bundled_prometheus() -> None:
    values = changed(complete("dev"), "monitoring", {"kind": "bundled"})
    for image in ("prometheus", "redis_exporter"):
        values["seawall:images"][image] = values["seawall:images"]["gateway"]
    policies = [item.inputs for item in platform_of(values).all("NetworkPolicy")]
    prometheus = pod(platform_of(values), "prometheus", "10.1.0.9")
    asked = Destination(prometheus, ports.PROMETHEUS)
    assert reaches(policies, MONITORING, asked)
    assert not reaches(policies, NEIGHBOUR, asked)


WEBHOOKS: Values = {"kind": "bundled", "alertmanager": {"page": "webhook", "ticket": "nobody"}}
PROXY: Values = {"block": "192.168.7.7/32", "port": 443, "url": "http://proxy.example:443"}


@pytest.mark.parametrize(
    ("egress_proxy", "relay", "expected"),
    [
        (None, None, "internet:443"),
        (PROXY, None, "private:443"),
        (None, {"block": "192.168.7.7/32", "port": 443}, "private:443"),
        (
            None,
            {"namespace": {"kubernetes.io/metadata.name": "monitoring"}, "port": 9090},
            "monitoring:9090",
        ),
        (
            {"block": "192.168.7.7/32", "port": 443},
            {"namespace": {"kubernetes.io/metadata.name": "monitoring"}, "port": 9090},
            "monitoring:9090",
        ),
    ],
)
def test_alertmanager_reaches_only_its_webhooks(
    egress_proxy: Values | None, relay: Values | None, expected: str
) -> None:
    values = changed(complete("prod"), "monitoring", WEBHOOKS)
    for image in ("alertmanager", "prometheus", "redis_exporter"):
        values["seawall:images"][image] = values["seawall:images"]["gateway"]
    values = changed(values, "network.egress_proxy", egress_proxy)
    values = changed(values, "monitoring.alertmanager.relay", relay)
    assert monitoring_table(values)["alertmanager"] == {expected, *DNS}


def test_gateway_leaves_the_cluster_only_through_the_egress_proxy() -> None:
    proxy = {"block": "192.168.7.7/32", "port": 443}
    reached = table(changed(complete("prod"), "network.egress_proxy", proxy))
    assert reached["gateway"] == {"redis:redis", "redis:sentinel", "private:443", *DNS}


@pytest.mark.parametrize(
    ("tracing", "reaches_it"),
    [
        (
            {
                "endpoint": "http://collector.monitoring:4318",
                "namespace": {"kubernetes.io/metadata.name": "monitoring"},
            },
            "collector:4318",
        ),
        (
            {
                "endpoint": "http://collector.monitoring",
                "namespace": {"kubernetes.io/metadata.name": "monitoring"},
                "port": 4318,
            },
            "collector:4318",
        ),
        ({"endpoint": "https://192.168.7.7", "block": "192.168.7.7/32"}, "private:443"),
        ({"endpoint": "https://traces.example"}, "internet:443"),
    ],
)
def test_gateway_reaches_its_trace_collector(tracing: Values, reaches_it: str) -> None:
    platform = platform_of(changed(complete("local"), "gateway.tracing", tracing))
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    gateway = pod(platform, "gateway", "10.1.0.1")
    places = {"collector:4318": Destination(MONITORING, 4318), **ELSEWHERE}
    reached = {name for name, to in places.items() if reaches(policies, gateway, to)}
    assert reached - DNS == {reaches_it}


def test_metadata_address_is_always_denied() -> None:
    reached = table(changed(complete("prod"), "network.never", ["10.0.0.0/8"]))
    assert reached["gateway"] & {"metadata:443", "private:443"} == {"private:443"}


def test_network_policies_also_select_canary_pods() -> None:
    platform = platform_of(complete("prod"))
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    stable = pod(platform, "gateway", "10.1.0.1")
    canary = Place("10.1.0.8", "seawall", {**stable.labels, "track": "canary"}, HOME)
    redis = pod(platform, "redis", "10.1.0.2")
    assert reaches(policies, canary, Destination(redis, ports.REDIS))
    assert not reaches(policies, canary, Destination(METADATA, 443))
