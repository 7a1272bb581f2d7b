"""The resources that the program registers for `local`."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from contract import labels, metrics, paths, ports
from infra.config import PerPod
from infra.resources import Resource
from monitoring.alerts import ALERTS
from monitoring.rules import rule_file
from monitoring.scaling import (
    BREAKER_OPENINGS_PER_MINUTE,
    REQUESTS_PER_SECOND,
    SIGNALS,
    adapter_rules,
)
from monitoring.slo import OBJECTIVES
from tests.infra.environments import Platform, Values, changed, platform_of, pod_spec

DEPLOYED_PODS = {
    *("entrance", "gateway", "redis", "prometheus", "metrics-adapter"),
    *("redis-exporter", "outside-probe", "alertmanager"),
    *("alert-receiver", "simulator-alpha", "simulator-beta"),
}
ASK_THE_API_SERVER = {"prometheus", "metrics-adapter"}


def containers(resource: Resource) -> list[dict[str, Any]]:
    return pod_spec(resource)["containers"]


def test_all_pod_workloads_are_covered_by_these_tests(platform: Platform) -> None:
    assert {pod.name for pod in platform.pods} == DEPLOYED_PODS


def test_components_have_seawall_type_tokens(platform: Platform) -> None:
    own = {item.type for item in platform.registrations if item.type.startswith("seawall:")}
    assert own == {
        "seawall:entrance:Entrance",
        "seawall:entrance:NginxEntrance",
        "seawall:gateway:Gateway",
        "seawall:monitoring:Alertmanager",
        "seawall:monitoring:MetricsAdapter",
        "seawall:monitoring:OutsideProbe",
        "seawall:monitoring:Prometheus",
        "seawall:monitoring:RedisExporter",
        "seawall:network:NetworkPolicies",
        "seawall:platform:Namespace",
        "seawall:redis:RedisSentinel",
        "seawall:simulator:AlertReceiver",
        "seawall:simulator:ProviderSimulator",
    }


def test_every_selector_contains_the_track_label(platform: Platform) -> None:
    selectors: dict[str, dict[str, str]] = {}
    for item in platform.registrations:
        selector = item.inputs.get("spec", {}).get("selector")
        if selector is not None:
            selectors[f"{item.kind} {item.name}"] = selector.get("matchLabels", selector)
    assert len(selectors) >= 12, "the walk over the registrations found too few selectors"
    without = [place for place, selector in selectors.items() if labels.TRACK not in selector]
    assert without == [], "selectors are immutable: a canary could never be added later"


def test_every_selector_matches_its_pod_template(platform: Platform) -> None:
    for item in platform.pods:
        selector = item.inputs["spec"]["selector"]["matchLabels"]
        pod_labels = item.inputs["spec"]["template"]["metadata"]["labels"]
        assert selector.items() <= pod_labels.items(), item.name


def test_autoscaled_deployment_sets_no_replicas(platform: Platform) -> None:
    scaled = platform.one("HorizontalPodAutoscaler", "gateway").inputs["spec"]["scaleTargetRef"]
    deployment = platform.one("Deployment", scaled["name"])
    assert "replicas" not in deployment.inputs["spec"], (
        "the autoscaler owns the field: every update would fight it"
    )


def test_autoscaler_has_the_configured_range_and_explicit_behavior(
    platform: Platform,
) -> None:
    spec = platform.one("HorizontalPodAutoscaler", "gateway").inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
    assert set(spec["behavior"]) == {"scaleUp", "scaleDown"}


def test_autoscaler_targets_the_configured_load_per_pod(platform: Platform) -> None:
    spec = platform.one("HorizontalPodAutoscaler", "gateway").inputs["spec"]
    _, *others = spec["metrics"]
    average = {"type": "AverageValue"}
    assert others == [
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": metrics.IN_FLIGHT},
                "target": {**average, "averageValue": "40"},
            },
        },
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": REQUESTS_PER_SECOND},
                "target": {**average, "averageValue": "25"},
            },
        },
        {
            "type": "External",
            "external": {
                "metric": {"name": metrics.QUEUED},
                "target": {**average, "averageValue": "5"},
            },
        },
        {
            "type": "External",
            "external": {
                "metric": {"name": BREAKER_OPENINGS_PER_MINUTE},
                "target": {**average, "averageValue": "20"},
            },
        },
    ]
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 30


def test_every_autoscaler_signal_has_an_adapter_rule_and_a_setting() -> None:
    rules = adapter_rules(SIGNALS, window_s=60)
    named = [rule["name"]["as"] for rule in (*rules["rules"], *rules["externalRules"])]
    assert sorted(named) == sorted(signal.metric for signal in SIGNALS)
    assert {signal.key for signal in SIGNALS} == set(PerPod.model_fields)


def test_metrics_adapter_rules_use_the_configured_window(platform: Platform) -> None:
    data = platform.one("ConfigMap", "metrics-adapter-settings").inputs["data"]
    assert json.loads(data["adapter.yaml"]) == adapter_rules(SIGNALS, window_s=20)


def test_prometheus_has_the_rules_of_all_alerts_with_runbooks(platform: Platform) -> None:
    data = platform.one("ConfigMap", "prometheus-settings").inputs["data"]
    assert json.loads(data["prometheus.yml"])["rule_files"] == ["rules.json"]
    expected = rule_file(
        ALERTS, OBJECTIVES, runbooks="runbooks", namespace="seawall", for_scale=0.1
    )
    assert json.loads(data["rules.json"]) == expected


def test_prometheus_scrapes_the_health_port_of_gateway_pods(platform: Platform) -> None:
    data = platform.one("ConfigMap", "prometheus-settings").inputs["data"]
    job, *_ = json.loads(data["prometheus.yml"])["scrape_configs"]
    assert job["job_name"] == metrics.GATEWAY_JOB
    assert job["metrics_path"] == paths.METRICS
    kept = {
        rule["source_labels"][0]: rule["regex"]
        for rule in job["relabel_configs"]
        if rule.get("action") == "keep"
    }
    (gateway,) = [item for item in platform.pods if item.name == "gateway"]
    (health,) = [
        port["name"]
        for port in containers(gateway)[0]["ports"]
        if port["containerPort"] == ports.GATEWAY_HEALTH
    ]
    assert kept["__meta_kubernetes_pod_container_port_name"] == health
    assert kept["__meta_kubernetes_pod_label_app_kubernetes_io_name"] == "gateway"


@pytest.mark.parametrize("name", sorted(DEPLOYED_PODS))
def test_every_pod_meets_the_restricted_pod_security_standard(
    platform: Platform, name: str
) -> None:
    (pod,) = [item for item in platform.pods if item.name == name]
    spec = pod_spec(pod)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("name", sorted(DEPLOYED_PODS - ASK_THE_API_SERVER))
def test_no_pod_gets_a_service_account_token(platform: Platform, name: str) -> None:
    (pod,) = [item for item in platform.pods if item.name == name]
    assert pod_spec(pod)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", sorted(DEPLOYED_PODS))
def test_every_container_has_requests_and_limits(platform: Platform, name: str) -> None:
    (pod,) = [item for item in platform.pods if item.name == name]
    for container in containers(pod):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}, container["name"]
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}, container["name"]


def test_namespace_enforces_the_restricted_standard_at_a_pinned_version(
    platform: Platform,
) -> None:
    namespace = platform.one("Namespace", "namespace")
    marks = namespace.inputs["metadata"]["labels"]
    assert marks["pod-security.kubernetes.io/enforce"] == "restricted"
    assert marks["pod-security.kubernetes.io/enforce-version"] == "v1.35"


def test_gateway_grace_period_covers_prestop_drain_and_a_margin(platform: Platform) -> None:
    spec = pod_spec(platform.one("Deployment", "gateway"))
    sleep = containers(platform.one("Deployment", "gateway"))[0]["lifecycle"]["preStop"]["sleep"]
    assert sleep == {"seconds": 5}
    assert spec["terminationGracePeriodSeconds"] == 5 + 30 + 5


def test_gateway_rolling_update_keeps_full_capacity(platform: Platform) -> None:
    rolling = platform.one("Deployment", "gateway").inputs["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}


def test_gateway_probes_use_the_health_port(platform: Platform) -> None:
    (container,) = containers(platform.one("Deployment", "gateway"))
    asked = {
        which: container[which]["httpGet"]
        for which in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert asked == {
        "startupProbe": {"path": paths.HEALTH_STARTUP, "port": "health"},
        "readinessProbe": {"path": paths.HEALTH_READY, "port": "health"},
        "livenessProbe": {"path": paths.HEALTH_LIVE, "port": "health"},
    }
    numbers = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert numbers["health"] == ports.GATEWAY_HEALTH


def test_redis_pod_probes_use_the_health_container(platform: Platform) -> None:
    redis, sentinel, health = containers(platform.one("StatefulSet", "redis"))
    asked = {which: health[which]["httpGet"] for which in ("readinessProbe", "livenessProbe")}
    assert asked == {
        "readinessProbe": {"path": paths.HEALTH_READY, "port": "health"},
        "livenessProbe": {"path": paths.HEALTH_LIVE, "port": "health"},
    }
    assert health["command"] == ["python3", "-m", "agents", "health"]
    assert health["ports"] == [{"name": "health", "containerPort": ports.REDIS_HEALTH}]
    for container, name in ((redis, "redis"), (sentinel, "sentinel")):
        assert container["readinessProbe"]["tcpSocket"] == {"port": name}


@pytest.mark.parametrize("name", ["gateway", "redis"])
def test_disruption_budget_allows_one_unavailable_pod(platform: Platform, name: str) -> None:
    budget = platform.one("PodDisruptionBudget", name).inputs["spec"]
    assert budget["maxUnavailable"] == 1


def test_every_redis_pod_has_its_own_service(platform: Platform) -> None:
    for index in range(3):
        spec = platform.one("Service", f"redis-{index}").inputs["spec"]
        assert spec["selector"]["statefulset.kubernetes.io/pod-name"] == f"redis-{index}"
        assert spec["publishNotReadyAddresses"] is True, (
            "a pod that is not ready must still be found by its peers"
        )


def test_redis_pods_start_in_parallel_with_all_stable_host_names(platform: Platform) -> None:
    stateful_set = platform.one("StatefulSet", "redis")
    assert stateful_set.inputs["spec"]["podManagementPolicy"] == "Parallel"
    for container in containers(stateful_set):
        given = {item["name"]: item.get("value") for item in container["env"]}
        assert given["SEAWALL_REDIS_HOSTS"] == ",".join(
            f"redis-{index}.seawall.svc.cluster.local" for index in range(3)
        )
        assert given["SEAWALL_MAXMEMORY"] == str(int(256 * 2**20 * 0.6))


def test_gateway_settings_name_the_sentinels_and_secret_files(
    platform: Platform,
) -> None:
    data = platform.one("ConfigMap", "gateway-settings").inputs["data"]
    settings = json.loads(data["gateway.yaml"])
    assert settings["state"]["sentinels"][0] == "redis-0.seawall.svc.cluster.local:26379"
    assert settings["providers"]["alpha"]["api_key_file"] == "provider-alpha"
    assert settings["drain"] == {"serve_seconds": 5, "grace_seconds": 30}


def test_config_maps_and_secrets_are_mutable_for_the_provider(platform: Platform) -> None:
    provider = platform.one("kubernetes", "cluster").inputs
    assert provider["enableConfigMapMutable"] == "true"
    assert provider["enableSecretMutable"] == "true"


def test_failed_rollout_is_reported_within_three_minutes(platform: Platform) -> None:
    for item in [*platform.all("Deployment"), *platform.all("StatefulSet")]:
        wait = item.inputs["metadata"]["annotations"]["pulumi.com/timeoutSeconds"]
        assert int(wait) <= 180, f"{item.name}: the official provider would wait for ten minutes"
    for item in platform.all("Deployment"):
        assert item.inputs["spec"]["progressDeadlineSeconds"] < 180


def settings_of(values: Values) -> Mapping[str, str]:
    return platform_of(values).one("ConfigMap", "gateway-settings").inputs["data"]


def test_settings_config_map_changes_only_with_gateway_settings(values: Values) -> None:
    before = settings_of(values)
    assert settings_of(changed(values, "gateway.replicas.max", 9)) == before
    assert settings_of(changed(values, "gateway.timeouts.headers", "7s")) != before


def test_mounted_config_maps_are_immutable_and_auto_named(platform: Platform) -> None:
    """Changed settings create a new ConfigMap with a generated name, and therefore new pods."""
    mounted = {
        volume["configMap"]["name"]
        for item in [*platform.all("Deployment"), *platform.all("StatefulSet")]
        for volume in item.inputs["spec"]["template"]["spec"].get("volumes", [])
        if "configMap" in volume
    }
    assert {"gateway-settings", "prometheus-settings", "entrance-settings"} <= mounted
    for name in mounted:
        inputs = platform.one("ConfigMap", name).inputs
        assert inputs["immutable"] is True
        assert "name" not in inputs["metadata"]


def test_gateway_deployment_depends_on_the_redis_stateful_set(platform: Platform) -> None:
    (gateway,) = [item for item in platform.all("Deployment") if item.name == "gateway"]
    assert any(urn.endswith("StatefulSet::redis") for urn in gateway.dependencies)


def test_redis_clients_resolve_redis_hosts_by_host_aliases(
    platform: Platform,
) -> None:
    for item in platform.pods:
        aliases = pod_spec(item).get("hostAliases", [])
        names = [name for alias in aliases for name in alias["hostnames"]]
        if item.name in {"gateway", "redis", "redis-exporter"}:
            assert names == [f"redis-{index}.seawall.svc.cluster.local" for index in range(3)]
        else:
            assert names == []
