"""The blackbox probe's request and its network path, for each kind of edge."""

from typing import Any

import pytest

from contract import jobs, ports
from infra.parsing import ConfigError, parse
from tests.infra.environments import Platform, Values, changed, complete, platform_of, pod_spec
from tests.infra.reachability import Destination, Place, reaches
from tests.infra.test_clients_reach_the_edge import BUNDLED, EVERY, HOST
from tests.infra.test_monitoring_components import OPERATOR, monitored, objects, settings_of

HOME = {"kubernetes.io/metadata.name": "seawall"}
INGRESS_PODS = {"kubernetes.io/metadata.name": "ingress"}
URL = f"https://{HOST}/llm/"
PROXY: Values = {"block": "10.9.0.5/32", "port": 3128, "url": "http://proxy.example:3128"}


def prod(kind: str, **probe: object) -> Values:
    """Values with a blackbox probe, and an edge of that kind."""
    asked = {"model": "fast", "api_key": "default", **probe}
    values = monitored("prod", {"kind": "bundled", "blackbox": asked})
    values["seawall:images"]["edge"] = values["seawall:images"]["gateway"]
    return values if kind == "none" else changed(values, "edge", EVERY[kind])


def target(platform: Platform) -> str:
    """The URL that Prometheus tells the exporter to probe."""
    scraped = settings_of(platform, "prometheus", "prometheus.yml")["scrape_configs"]
    (found,) = [item for item in scraped if item["job_name"] == jobs.BLACKBOX]
    (asked,) = found["static_configs"][0]["targets"]
    return str(asked)


def http(platform: Platform) -> dict[str, Any]:
    modules = settings_of(platform, "outside-probe", "blackbox.yml")["modules"]
    return dict(modules["completion"]["http"])


def reached(platform: Platform) -> set[str]:
    """The destinations that the probe's pod reaches, except DNS servers."""
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    labels = {
        pod.name: pod.inputs["spec"]["template"]["metadata"]["labels"] for pod in platform.pods
    }
    probe = Place("10.1.0.1", "seawall", labels["outside-probe"], HOME)
    gateway = Place("10.1.0.2", "seawall", labels["gateway"], HOME)
    edge = Place("10.1.0.3", "seawall", labels.get("entrance", {"app": "none"}), HOME)
    controller = Place("10.1.9.2", "ingress", {}, INGRESS_PODS)
    places = {
        "gateway": Destination(gateway, ports.GATEWAY_HTTP),
        "edge:tls": Destination(edge, ports.EDGE_HTTPS),
        "edge:plain": Destination(edge, ports.EDGE_HTTP),
        "controller:8443": Destination(controller, 8443),
        "controller:443": Destination(controller, 443),
        "internet:443": Destination(Place("203.0.113.7"), 443),
        "internet:8443": Destination(Place("203.0.113.7"), 8443),
        "private:443": Destination(Place("192.168.7.7"), 443),
        "metadata:443": Destination(Place("169.254.169.254"), 443),
        "proxy": Destination(Place("10.9.0.5"), 3128),
    }
    return {name for name, to in places.items() if reaches(policies, probe, to)}


def test_probe_checks_the_certificate_for_the_first_host() -> None:
    platform = platform_of(prod("bundled"))
    assert target(platform) == "https://entrance/v1/chat/completions"
    asked = http(platform)
    assert asked["tls_config"] == {"server_name": HOST}
    assert asked["headers"]["Host"] == HOST
    assert reached(platform) == {"edge:tls"}
    service = platform.one("Service", "entrance").inputs["spec"]
    assert [port["port"] for port in service["ports"]] == [443], "where https leads"


def test_probe_uses_http_for_an_edge_without_tls() -> None:
    plain = {key: value for key, value in BUNDLED.items() if key != "tls"}
    platform = platform_of(changed(prod("bundled"), "edge", plain))
    assert target(platform) == "http://entrance/v1/chat/completions"
    assert "tls_config" not in http(platform)
    assert reached(platform) == {"edge:plain"}


@pytest.mark.parametrize("kind", ["none", "ingress", "gateway_api", "load_balancer"])
def test_probe_targets_the_gateway_when_the_edge_address_is_unknown(kind: str) -> None:
    platform = platform_of(prod(kind))
    assert target(platform) == "http://gateway/v1/chat/completions"
    assert reached(platform) == {"gateway"}


@pytest.mark.parametrize(
    ("kind", "behind"),
    [
        ("none", set[str]()),
        ("ingress", set[str]()),
        ("gateway_api", set[str]()),
        ("load_balancer", {"gateway"}),
        ("bundled", {"edge:tls"}),
    ],
)
def test_configured_url_is_probed_like_a_user_request(kind: str, behind: set[str]) -> None:
    platform = platform_of(prod(kind, url=URL))
    assert target(platform) == f"https://{HOST}/llm/v1/chat/completions"
    asked = http(platform)
    assert "tls_config" not in asked, "the URL's own name is checked"
    assert "Host" not in asked["headers"]
    # From within the cluster, a load balancer's address leads directly to the pods behind it.
    assert reached(platform) == {"internet:443", *behind}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ({"namespace": INGRESS_PODS, "port": 8443}, "controller:8443"),
        ({"block": "192.168.7.7/32", "port": 443}, "private:443"),
    ],
)
def test_configured_url_may_lead_to_a_cluster_internal_place(at: Values, expected: str) -> None:
    values = changed(prod("ingress", url=URL, at=at), "network.egress_proxy", PROXY)
    platform = platform_of(values)
    assert reached(platform) == {expected}
    assert "proxy_url" not in http(platform)
    parse(prod("ingress", url=f"http://{HOST}", at=at))


def test_probe_reaches_the_port_of_its_url() -> None:
    assert reached(platform_of(prod("ingress", url=f"https://{HOST}:8443"))) == {"internet:8443"}


def test_configured_url_is_probed_through_the_egress_proxy() -> None:
    platform = platform_of(changed(prod("ingress", url=URL), "network.egress_proxy", PROXY))
    assert reached(platform) == {"proxy"}
    asked = http(platform)
    assert asked["proxy_url"] == PROXY["url"]
    assert asked["skip_resolve_phase_with_proxy"] is True


def test_probe_reaches_the_bundled_edge_without_the_proxy() -> None:
    platform = platform_of(changed(prod("bundled"), "network.egress_proxy", PROXY))
    assert "proxy_url" not in http(platform)


def test_only_the_ca_certificate_is_mounted_for_the_probe() -> None:
    platform = platform_of(prod("bundled", ca="llm-tls"))
    assert http(platform)["tls_config"]["ca_file"] == "/etc/seawall/probe-ca/ca.crt"
    pod = pod_spec(platform.one("Deployment", "outside-probe"))
    (volume,) = [item for item in pod["volumes"] if item["name"] == "ca"]
    assert volume["secret"]["secretName"] == "llm-tls"
    assert volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}], "no private key"
    mounts = {item["name"]: item["mountPath"] for item in pod["containers"][0]["volumeMounts"]}
    assert mounts["ca"] == "/etc/seawall/probe-ca"


def test_prometheus_operator_probe_has_the_same_target() -> None:
    values = changed(prod("bundled"), "monitoring", OPERATOR)
    probe = objects(platform_of(values), "Probe")[jobs.BLACKBOX]["spec"]
    asked = probe["targets"]["staticConfig"]["static"]
    assert asked == ["https://entrance/v1/chat/completions"]


NAMELESS: Values = {**BUNDLED, "hosts": [], "tls": {"secret": "llm-tls"}}
BLIND: Values = {key: value for key, value in PROXY.items() if key != "url"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            changed(prod("bundled"), "edge", NAMELESS),
            (
                "seawall:edge.hosts is missing, and seawall:monitoring.blackbox checks whether "
                "the certificate is for the first of them; give the names that clients use"
            ),
        ),
        (
            prod("ingress", ca="llm-ca"),
            (
                'seawall:monitoring.blackbox.ca = "llm-ca" verifies a certificate, and the probe '
                "requests http://gateway without TLS; leave it out"
            ),
        ),
        (
            prod("ingress", url="https://10.1.2.3"),
            (
                'seawall:monitoring.blackbox.url = "https://10.1.2.3" lies in 10.0.0.0/8, which '
                "seawall:network.never closes; say where it is in seawall:monitoring.blackbox.at"
            ),
        ),
        (
            changed(prod("ingress", url=URL), "network.egress_proxy", BLIND),
            (
                f'seawall:monitoring.blackbox.url = "{URL}" cannot be reached: '
                "seawall:network.egress_proxy is the only way out, and its url is missing; give "
                "that, or seawall:monitoring.blackbox.at for a place inside"
            ),
        ),
        (prod("ingress", url=f"http://{HOST}"), "would send an API key in the clear"),
        (prod("ingress", url="llm.example.com"), "must be an http or https URL"),
        (prod("ingress", url=f"https://user:word@{HOST}"), "has a user or a password"),
        (
            prod("ingress", at={"block": "10.0.0.0/8", "port": 443}),
            "at is the place that url leads to: give url, or leave out at",
        ),
        (
            prod("ingress", url=URL, at={"port": 443}),
            "port = 443 needs either namespace or block, for the network policy",
        ),
    ],
)
def test_impossible_probe_is_refused_in_one_line(values: Values, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(values)
    message = str(refused.value)
    assert reason in message
    assert "\n" not in message
    assert "word" not in message.replace("password", ""), "a password is shown"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("url", "https://proxy.example:3128", "is not the URL of a proxy: write http://"),
        ("url", "http://proxy.example:3128/way", "is not the URL of a proxy: write http://"),
        ("url", "http://proxy.example", "and port = 3128 differ"),
        ("url", "http://10.9.0.6:3128", "lies outside block = 10.9.0.5/32"),
        ("url", "http://user:word@proxy.example:3128", "has a user or a password"),
    ],
)
def test_egress_proxy_url_outside_its_network_settings_is_refused(
    key: str, value: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=r"seawall:network\.egress_proxy") as refused:
        parse(changed(complete("prod"), "network.egress_proxy", {**PROXY, key: value}))
    assert reason in str(refused.value)


def test_egress_proxy_url_may_use_an_ip_address() -> None:
    proxy = {**PROXY, "url": "http://10.9.0.5:3128/"}
    assert parse(changed(complete("prod"), "network.egress_proxy", proxy)).network.egress_proxy
