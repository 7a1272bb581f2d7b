"""Exporters, Alertmanager, dashboards and Prometheus Operator objects, as the program declares."""

import json
from typing import Any

import pytest

from contract import jobs, metrics, paths
from infra.config import Alertmanager
from infra.workloads.alertmanager_config import alertmanager_file
from monitoring.alerts import ALERTS
from monitoring.dashboards import BOARDS
from monitoring.rules import rule_file
from monitoring.slo import OBJECTIVES
from tests.infra.environments import (
    MONITORING_IMAGES,
    Platform,
    Values,
    changed,
    complete,
    platform_of,
    pod_spec,
    refusal,
)

OPERATOR: Values = {
    "kind": "operator",
    "labels": {"release": "prometheus"},
    "blackbox": {"model": "fast", "api_key": "default"},
    "dashboards": {"grafana_dashboard": "1"},
}
WEBHOOKS: Values = {"page": "webhook", "ticket": "webhook"}


def monitored(env: str, monitoring: Values) -> Values:
    values = changed(complete(env), "monitoring", monitoring)
    for image in MONITORING_IMAGES:
        values["seawall:images"][image] = values["seawall:images"]["gateway"]
    return values


def settings_of(platform: Platform, component: str, file: str) -> dict[str, Any]:
    text = platform.one("ConfigMap", f"{component}-settings").inputs["data"][file]
    return dict(json.loads(text))


def objects(platform: Platform, kind: str) -> dict[str, dict[str, Any]]:
    found = [item for item in platform.registrations if item.inputs.get("kind") == kind]
    return {item.inputs["metadata"]["name"]: dict(item.inputs) for item in found}


def test_all_redis_and_sentinel_servers_are_scraped_through_the_exporter(
    platform: Platform,
) -> None:
    scraped = settings_of(platform, "prometheus", "prometheus.yml")["scrape_configs"]
    for job, port in ((jobs.REDIS, 6379), (jobs.SENTINEL, 26379)):
        (found,) = [item for item in scraped if item["job_name"] == job]
        targets = {item["labels"]["instance"]: item["targets"] for item in found["static_configs"]}
        assert targets == {
            f"redis-{n}": [f"redis://redis-{n}.seawall.svc.cluster.local:{port}"] for n in range(3)
        }
        assert found["relabel_configs"][-1]["replacement"] == "redis-exporter:9121"


def test_redis_exporter_password_is_only_in_its_mounted_file(platform: Platform) -> None:
    secret = platform.one("Secret", "redis-exporter-secrets").inputs["stringData"]
    urls = json.loads(secret[paths.REDIS_URLS_FILE])
    hosts = [f"redis-{n}.seawall.svc.cluster.local" for n in range(3)]
    places = {f"{host}:{port}" for host in hosts for port in (6379, 26379)}
    # The exporter looks for the URL without the user or, in later versions, with it.
    assert set(urls) == {f"redis://{user}{to}" for user in ("", "exporter@") for to in places}
    (password,) = set(urls.values())
    assert set(secret) == {paths.REDIS_URLS_FILE}, "it knows no other password"
    spec = json.dumps(pod_spec(platform.one("Deployment", "redis-exporter")))
    assert password not in spec


def test_external_secret_renders_the_same_exporter_file() -> None:
    platform = platform_of(monitored("prod", OPERATOR))
    (made,) = [
        item
        for item in platform.registrations
        if item.inputs.get("kind") == "ExternalSecret" and item.name == "redis-exporter-secrets"
    ]
    template = made.inputs["spec"]["target"]["template"]["data"][paths.REDIS_URLS_FILE]
    name = paths.REDIS_EXPORTER_PASSWORD_FILE
    assert [item["secretKey"] for item in made.inputs["spec"]["data"]] == [name]
    filled = template.replace(f"{{{{ index . `{name}` | toJson }}}}", json.dumps('a "b'))
    assert set(json.loads(filled).values()) == {'a "b'}
    assert len(json.loads(filled)) == 12, "with and without the user in the URL"


def test_blackbox_probe_reads_its_api_key_from_a_file(platform: Platform) -> None:
    modules = settings_of(platform, "outside-probe", "blackbox.yml")["modules"]
    http = modules["completion"]["http"]
    assert json.loads(http["body"])["model"] == "fast"
    assert http["authorization"]["credentials_file"] == "/etc/seawall/secrets/api-key-local"
    assert "Bearer" not in http["body"]


def test_webhook_urls_are_in_files_and_unrouted_severities_have_no_target() -> None:
    made = alertmanager_file(Alertmanager.model_validate(WEBHOOKS), proxy=None)
    text = json.dumps(made)
    assert '"url_file": "/etc/seawall/secrets/alert-webhook-page"' in text
    assert '"name": "info"}' in text, "a receiver without a way to tell anybody"
    assert "http" not in text, "an address in the clear"


RELAY: Values = {"block": "10.9.0.5/32", "port": 3128}
PROXY: Values = {**RELAY, "url": "http://proxy.example:3128"}


@pytest.mark.parametrize(("relay", "proxied"), [(None, True), (RELAY, False)])
def test_webhooks_use_the_egress_proxy_unless_a_relay_is_configured(
    relay: Values | None, *, proxied: bool
) -> None:
    told = {**WEBHOOKS, "info": "simulator", "relay": relay}
    values = monitored("prod", {"kind": "bundled", "alertmanager": told})
    platform = platform_of(changed(values, "network.egress_proxy", PROXY))
    made = settings_of(platform, "alertmanager", "alertmanager.yml")["receivers"]
    ways = {item["name"]: item.get("webhook_configs", [{}])[0] for item in made}
    through = {"http_config": {"proxy_url": PROXY["url"]}} if proxied else {}
    for severity in ("page", "ticket"):
        file = f"/etc/seawall/secrets/alert-webhook-{severity}"
        assert ways[severity] == {"url_file": file, "send_resolved": True, **through}
    assert "http_config" not in ways["info"], "the kit's own receiver is in the cluster"


def test_unreachable_webhooks_are_refused() -> None:
    values = monitored("prod", {"kind": "bundled", "alertmanager": WEBHOOKS})
    assert refusal(changed(values, "network.egress_proxy", RELAY)) == (
        'seawall:monitoring.alertmanager.page = "webhook" cannot be reached: '
        "seawall:network.egress_proxy is the only way out, and its url is missing; give that, or "
        "seawall:monitoring.alertmanager.relay for a place that the webhooks' own URLs lead to"
    )
    told = {"page": "simulator", "ticket": "nobody", "relay": RELAY}
    values = monitored("prod", {"kind": "bundled", "alertmanager": told})
    assert refusal(values) == (
        "seawall:monitoring.alertmanager is wrong: relay is for webhooks, and there is none: "
        "page = simulator, ticket = nobody, info = nobody; leave it out"
    )


def test_webhooks_require_their_secrets_and_no_simulated_receiver() -> None:
    values = monitored("prod", {"kind": "bundled", "alertmanager": WEBHOOKS})
    platform = platform_of(values)
    names = [item.name for item in platform.pods]
    assert "alertmanager" in names
    assert "alert-receiver" not in names
    (made,) = [
        item
        for item in platform.registrations
        if item.inputs.get("kind") == "ExternalSecret" and item.name == "alertmanager-secrets"
    ]
    asked = [item["secretKey"] for item in made.inputs["spec"]["data"]]
    assert asked == ["alert-webhook-page", "alert-webhook-ticket"]


def test_prometheus_operator_gets_the_same_jobs_and_all_alerts() -> None:
    platform = platform_of(monitored("prod", OPERATOR))
    assert "prometheus" not in [item.name for item in platform.pods]
    probes = objects(platform, "Probe")
    assert {item["spec"]["jobName"] for item in probes.values()} == {
        jobs.REDIS,
        jobs.SENTINEL,
        jobs.BLACKBOX,
    }
    redis = probes[jobs.REDIS]["spec"]
    assert redis["prober"] == {"url": "redis-exporter.seawall.svc:9121", "path": "/scrape"}
    assert len(redis["targets"]["staticConfig"]["static"]) == 3
    monitor = objects(platform, "PodMonitor")["gateway"]["spec"]
    relabelled = monitor["podMetricsEndpoints"][0]["relabelings"]
    assert {"targetLabel": "job", "replacement": metrics.GATEWAY_JOB} in relabelled
    rules = objects(platform, "PrometheusRule")["seawall"]["spec"]
    assert rules == rule_file(ALERTS, OBJECTIVES, runbooks="runbooks", namespace="seawall")
    for kind in ("Probe", "PodMonitor", "PrometheusRule"):
        for made in objects(platform, kind).values():
            assert made["metadata"]["labels"]["release"] == "prometheus", "ignored without it"


def test_dashboards_are_config_maps_with_the_sidecar_label() -> None:
    platform = platform_of(monitored("prod", OPERATOR))
    for board in BOARDS:
        made = platform.one("ConfigMap", board.name).inputs
        assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(made["data"][f"{board.name}.json"])["uid"] == board.name


def test_operator_without_the_monitoring_namespace_labels_is_refused() -> None:
    values = monitored("prod", OPERATOR)
    del values["seawall:network"]["monitoring"]
    assert "give the labels of that namespace in seawall:network.monitoring" in refusal(values)


@pytest.mark.parametrize(("key", "known"), [("model", "fast"), ("api_key", "local")])
def test_probe_with_an_unknown_model_or_key_is_refused(
    values: Values, key: str, known: str
) -> None:
    assert refusal(changed(values, f"monitoring.blackbox.{key}", "none")) == (
        f'seawall:monitoring.blackbox.{key} = "none" is none of seawall:gateway.{key}s: {known}'
    )


def test_probe_timeout_longer_than_its_interval_is_refused(values: Values) -> None:
    assert "timeout = 30s is longer than every = 5s" in refusal(
        changed(values, "monitoring.blackbox.timeout", "30s")
    )


def test_webhook_with_generated_secrets_is_refused(values: Values) -> None:
    message = refusal(changed(values, "monitoring.alertmanager.page", "webhook"))
    assert message.startswith('seawall:monitoring.alertmanager.page = "webhook" needs a URL, and ')


@pytest.mark.parametrize(
    ("image", "key"),
    [
        ("redis_exporter", "monitoring"),
        ("blackbox_exporter", "monitoring.blackbox"),
        ("alertmanager", "monitoring.alertmanager"),
    ],
)
def test_missing_monitoring_image_is_refused(values: Values, image: str, key: str) -> None:
    del values["seawall:images"][image]
    assert refusal(values) == (
        f"seawall:images.{image} is missing, and seawall:{key} runs it; give it"
    )
