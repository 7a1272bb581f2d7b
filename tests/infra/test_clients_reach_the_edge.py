"""The kinds of edge, as the program registers them, and the refused settings."""

from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest

from contract import ports
from infra.config.kubernetes import NEWEST, OLDEST
from tests.infra.environments import (
    Platform,
    Values,
    annotations,
    changed,
    complete,
    platform_of,
    pod_spec,
    refusal,
)
from tests.infra.reachability import Destination, Place, reaches

HOST = "llm.example.com"
CONTROLLER = {"namespace": {"kubernetes.io/metadata.name": "ingress"}}
TLS = {"secret": "llm-tls", "issuer": "letsencrypt"}
INGRESS: Values = {
    "kind": "ingress",
    "class_name": "nginx",
    "controller": "ingress-nginx",
    "proxies": CONTROLLER,
    "hosts": [HOST],
    "tls": TLS,
    "rate_limit": {"requests_per_second": 40, "burst": 100, "connections": 50},
}
GATEWAY_API: Values = {
    "kind": "gateway_api",
    "class_name": "cilium",
    "proxies": CONTROLLER,
    "hosts": [HOST, "*.example.org"],
    "tls": TLS,
}
BALANCER: Values = {
    "class_name": "service.k8s.aws/nlb",
    "annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"},
    "source_ranges": ["203.0.113.0/24"],
}
LOAD_BALANCER: Values = {"kind": "load_balancer", **BALANCER}
BUNDLED: Values = {
    "kind": "bundled",
    "load_balancer": BALANCER,
    "hosts": [HOST],
    "tls": TLS,
    "rate_limit": {"requests_per_second": 40, "burst": 20, "connections": 9, "by": "address"},
    "trusted_proxies": ["10.0.0.0/8"],
    "replicas": 3,
}
EVERY = {"ingress": INGRESS, "gateway_api": GATEWAY_API, "load_balancer": LOAD_BALANCER}
EVERY["bundled"] = BUNDLED


def prod_with(edge: Values) -> Values:
    values = changed(complete("prod"), "edge", edge)
    values["seawall:images"]["edge"] = values["seawall:images"]["gateway"]
    return values


def built(edge: Values) -> Platform:
    return platform_of(prod_with(edge))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("kind", EVERY)
def test_manifests_of_every_edge_kind_are_valid(kind: str, version: str) -> None:
    plain = {item.title for item in platform_of(complete("prod")).registrations}
    made = [item for item in built(EVERY[kind]).registrations if item.title not in plain]
    manifests = [dict(item.inputs) for item in made if "apiVersion" in item.inputs]
    assert manifests
    for manifest in manifests:
        if manifest["apiVersion"].startswith(("gateway.networking", "cert-manager")):
            continue
        kubernetes_validate.validate(manifest, version, strict=True)


def test_ingress_disables_buffering_and_waits_longer_than_the_gateway() -> None:
    ingress = built(INGRESS).one("Ingress", "entrance").inputs
    told = ingress["metadata"]["annotations"]
    nginx = {
        name.removeprefix("nginx.ingress.kubernetes.io/"): value for name, value in told.items()
    }
    assert told["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert nginx["proxy-buffering"] == nginx["proxy-request-buffering"] == "off"
    # The deadline of 10 minutes, plus five seconds for the gateway's own answer.
    assert nginx["proxy-read-timeout"] == nginx["proxy-send-timeout"] == "605"
    assert nginx["proxy-body-size"] == str(32 << 20)
    assert nginx["proxy-next-upstream"] == "error timeout"
    assert (nginx["limit-rps"], nginx["limit-burst-multiplier"]) == ("40", "3")
    assert nginx["limit-connections"] == "50"
    spec = ingress["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"hosts": [HOST], "secretName": "llm-tls"}]
    (path,) = spec["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] == "gateway"


def test_configured_annotations_override_defaults() -> None:
    own = {"nginx.ingress.kubernetes.io/proxy-connect-timeout": "3"}
    ingress = built({**INGRESS, "annotations": own}).one("Ingress", "entrance").inputs
    assert own.items() <= ingress["metadata"]["annotations"].items()


def test_other_ingress_controllers_get_no_nginx_annotations() -> None:
    other = {**INGRESS, "controller": "other"}
    del other["rate_limit"], other["tls"]
    assert annotations(built(other).one("Ingress", "entrance").inputs) == {}


def test_gateway_api_has_a_listener_per_host_and_a_route_with_timeouts() -> None:
    platform = built(GATEWAY_API)
    gateway = platform.one("Gateway", "entrance").inputs
    assert annotations(gateway) == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    listeners = gateway["spec"]["listeners"]
    assert [item["hostname"] for item in listeners] == GATEWAY_API["hosts"]
    assert {(item["protocol"], item["port"]) for item in listeners} == {("HTTPS", 443)}
    route = platform.one("HTTPRoute", "entrance-route").inputs["spec"]
    assert route["parentRefs"] == [{"name": "entrance"}]
    (rule,) = route["rules"]
    assert rule["timeouts"] == {"request": "605s", "backendRequest": "605s"}
    assert rule["backendRefs"] == [{"name": "gateway", "port": 80}]


def test_existing_gateway_is_referenced_by_the_route() -> None:
    parent = {"name": "shared", "namespace": "infra", "listener": "https"}
    there = {key: GATEWAY_API[key] for key in ("kind", "proxies", "hosts")}
    platform = built({**there, "parent": parent})
    route = platform.one("HTTPRoute", "entrance-route").inputs["spec"]
    expected = {"name": "shared", "namespace": "infra", "sectionName": "https"}
    assert route["parentRefs"] == [expected]
    assert platform.all("Gateway") == []


def test_load_balancer_service_has_class_source_ranges_and_traffic_policy() -> None:
    service = built(LOAD_BALANCER).one("Service", "entrance").inputs
    spec = service["spec"]
    assert spec["type"] == "LoadBalancer"
    assert spec["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert spec["loadBalancerSourceRanges"] == ["203.0.113.0/24"]
    assert spec["externalTrafficPolicy"] == "Local"
    assert spec["selector"]["app.kubernetes.io/name"] == "gateway"
    assert BALANCER["annotations"].items() <= service["metadata"]["annotations"].items()


def test_bundled_edge_resolves_ready_pods_only() -> None:
    spec = built(BUNDLED).one("Service", "gateway-pods").inputs["spec"]
    assert spec["clusterIP"] == "None"
    assert spec["publishNotReadyAddresses"] is False


def test_bundled_edge_drains_before_exit_and_is_spread() -> None:
    platform = built(BUNDLED)
    deployment = platform.one("Deployment", "entrance")
    assert deployment.inputs["spec"]["replicas"] == 3
    assert platform.one("PodDisruptionBudget", "entrance")
    pod = pod_spec(deployment)
    assert pod["topologySpreadConstraints"]
    (nginx,) = pod["containers"]
    (command,) = nginx["lifecycle"]["preStop"]["exec"]["command"][2:]
    assert command == "touch /tmp/leaving; sleep 10"
    # 10 s of preStop, 2 min for open streams, and 5 s.
    assert pod["terminationGracePeriodSeconds"] == 135
    (names,) = pod["initContainers"]
    assert names["restartPolicy"] == "Always", "it must run as long as nginx does"


def test_certificate_keys_stay_outside_the_program() -> None:
    platform = built(BUNDLED)
    assert [item.name for item in platform.all("Secret") if "tls" in item.name] == []
    certificate = platform.one("Certificate", "entrance").inputs["spec"]
    assert certificate["secretName"] == "llm-tls"
    assert certificate["dnsNames"] == [HOST]
    volumes = pod_spec(platform.one("Deployment", "entrance"))["volumes"]
    assert "llm-tls" in {volume.get("secret", {}).get("secretName") for volume in volumes}


def test_existing_certificate_secret_is_only_referenced() -> None:
    own = {**BUNDLED, "tls": {"secret": "own-tls"}}
    assert built(own).all("Certificate") == []


def reachable(edge: Values) -> dict[str, set[str]]:
    """The sources that reach the pods of the gateway and of the edge proxy."""
    platform = built(edge)
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    home = {"kubernetes.io/metadata.name": "seawall"}
    labels = {
        pod.name: pod.inputs["spec"]["template"]["metadata"]["labels"] for pod in platform.pods
    }
    gateway = Place("10.1.0.1", "seawall", labels["gateway"], home)
    inside = Place("10.1.0.2", "seawall", labels.get("entrance", {"app": "none"}), home)
    targets = {
        "gateway": Destination(gateway, ports.GATEWAY_HTTP),
        "entrance": Destination(inside, ports.EDGE_HTTPS),
    }
    asking = {
        "entrance": inside,
        "client": Place("10.1.9.1", "shop", {}, {"seawall.dev/gateway-client": "true"}),
        "controller": Place("10.1.9.2", "ingress", {}, CONTROLLER["namespace"]),
        "near": Place("203.0.113.7"),
        "far": Place("198.51.100.7"),
    }
    return {
        name: {target for target, to in targets.items() if reaches(policies, place, to)}
        for name, place in asking.items()
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ingress", {"client": {"gateway"}, "controller": {"gateway"}}),
        ("gateway_api", {"client": {"gateway"}, "controller": {"gateway"}}),
        ("load_balancer", {"client": {"gateway"}, "near": {"gateway"}}),
        (
            "bundled",
            {"entrance": {"gateway"}, "client": {"entrance"}, "near": {"entrance"}},
        ),
    ],
)
def test_network_policies_allow_only_the_path_of_the_edge(
    kind: str, expected: dict[str, set[str]]
) -> None:
    reached = reachable(EVERY[kind])
    nobody: dict[str, Any] = {name: set[str]() for name in reached}
    assert reached == {**nobody, **expected}


@pytest.mark.parametrize(
    ("edge", "reason"),
    [
        ({"kind": "door"}, "kind must be one of 'none', 'load_balancer', 'ingress'"),
        ({**INGRESS, "hosts": []}, "at least 1 item"),
        ({**INGRESS, "hosts": ["LLM"]}, "must be a host's name"),
        ({**INGRESS, "controller": "other"}, "rate_limit is set by annotations of ingress-nginx"),
        ({**INGRESS, "proxies": {}}, "namespace is missing and block is missing: give one"),
        ({**INGRESS, "replicas": 2}, "is not known; allowed here: annotations, class_name"),
        ({**GATEWAY_API, "rate_limit": {}}, "is not known; allowed here"),
        ({**GATEWAY_API, "parent": {"name": "x"}}, "class_name is given and parent is given"),
        (
            {**GATEWAY_API, "class_name": None, "parent": {"name": "shared"}},
            'tls belongs to the Gateway, and parent.name = "shared"',
        ),
        ({**BUNDLED, "hosts": []}, 'tls.issuer = "letsencrypt" issues certificates for hosts'),
        ({**BUNDLED, "disruption": {"min_available": 3}}, "less than replicas = 3"),
        ({**BUNDLED, "connect_timeout": "10s"}, "must be from 50ms to 5s"),
        ({**LOAD_BALANCER, "source_ranges": []}, "network.clients names namespaces only"),
        ({**LOAD_BALANCER, "external_traffic_policy": "Cluster"}, "seawall:edge lets in"),
        (
            {**BUNDLED, "load_balancer": {**BALANCER, "source_ranges": []}},
            "seawall:edge.load_balancer lets in clients",
        ),
    ],
)
def test_invalid_edge_is_one_line(edge: Values, reason: str) -> None:
    message = refusal(prod_with(edge))
    assert reason in message
    assert message.startswith("seawall:edge")
    assert "\n" not in message


def test_the_bundled_edge_needs_an_image() -> None:
    values = prod_with(BUNDLED)
    del values["seawall:images"]["edge"]
    assert refusal(values) == ("seawall:images.edge is missing, and seawall:edge runs it; give it")


def test_edge_component_is_registered_only_if_configured() -> None:
    told = [
        item for item in built(INGRESS).registrations if item.type == "seawall:entrance:Entrance"
    ]
    assert len(told) == 1
    assert platform_of(complete("dev")).all("Ingress") == []
