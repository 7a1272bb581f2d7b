"""Every invalid or impossible configuration is refused with one line."""

import pytest

from infra.parsing import ConfigError, parse
from infra.synth import synth
from tests.infra.environments import ENVIRONMENTS, Values, changed, committed, complete, refusal


def test_the_committed_values_of_local_are_accepted(values: Values) -> None:
    assert parse(values).gateway.replicas.max == 6


def test_the_configuration_is_frozen(values: Values) -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse(values).gateway.replicas.max = 7  # pyright: ignore[reportAttributeAccessIssue]


def test_an_unknown_key_is_named_with_the_allowed_ones(values: Values) -> None:
    message = refusal(changed(values, "gateway.replicas.maximum", 3))
    assert message == (
        "seawall:gateway.replicas.maximum = 3 is not known; allowed here: cpu_percent, max, min, "
        "per_pod, scale_down_after, scale_down_every"
    )


def test_an_unknown_section_is_named_with_the_allowed_ones(values: Values) -> None:
    message = refusal(changed(values, "gatway", {}))
    assert message.startswith("seawall:gatway = {} is not known; allowed here: ")
    assert "gateway, images" in message


def test_unknown_key_inside_a_named_entry_lists_the_allowed_ones(values: Values) -> None:
    message = refusal(changed(values, "gateway.providers.alpha.url", "x"))
    assert message.endswith("allowed here: ask_for_streams, base_url, keys, kind, limits, prices")


def test_a_missing_key_is_named(values: Values) -> None:
    del values["seawall:images"]["redis"]
    assert refusal(values) == "seawall:images.redis is missing"


def test_misspelt_section_is_reported_before_the_missing_one(values: Values) -> None:
    values["seawall:networks"] = values.pop("seawall:network")
    message = refusal(values)
    assert message.startswith("seawall:networks is not known; allowed here: ")
    assert message.endswith(" (and 1 more)")


def test_all_missing_keys_are_one_line(values: Values) -> None:
    values["seawall:images"] = {}
    assert refusal(values) == "seawall:images.gateway, seawall:images.redis are missing"


def test_further_problems_are_counted_after_the_first(values: Values) -> None:
    wrong = changed(values, "gateway.replicas.min", 0)
    message = refusal(changed(wrong, "redis.storage", "1G"))
    assert message.startswith("seawall:gateway.replicas.min = 0 is wrong")
    assert message.endswith("(and 1 more)")


BACKUP = ("backup.bucket", "backup.image")


@pytest.mark.parametrize(
    ("env", "keys"),
    [
        ("local", ["images"]),
        ("dev", ["images", "state.backend", "state.secrets_provider"]),
        ("staging", ["images", *BACKUP, "state.backend", "state.secrets_provider"]),
        ("prod", ["images", *BACKUP, "state.backend", "state.secrets_provider"]),
    ],
)
def test_missing_team_values_are_listed_by_key(env: str, keys: list[str]) -> None:
    named = ", ".join(f"seawall:{key}" for key in keys)
    assert refusal(committed(env)) == f"{named} {'is' if len(keys) == 1 else 'are'} missing"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("gateway.replicas.min", "2", "valid integer"),
        ("gateway.replicas.min", 0, "greater than or equal to 1"),
        ("gateway.replicas.min", 7, "min = 7 must not be more than max = 6"),
        (
            "gateway.api_keys.local.budget",
            {"day": 5},
            "api_keys.local has a budget, and the price of models.fast's alpha/sim-small is not",
        ),
        ("gateway.api_keys.local.budget", {}, "give hour, day or month"),
        ("gateway.api_keys.local.per_user", {"burst": 3}, "burst needs requests_per_second"),
        ("gateway.resources.requests.cpu", "fast", "must be a CPU quantity, such as 250m or 2"),
        ("gateway.resources.requests.memory", "1.5Gi", "must be a memory quantity"),
        (
            "gateway.resources.requests.cpu",
            "2",
            "requests.cpu = 2 must not be more than its limit 1",
        ),
        (
            "gateway.resources.requests.memory",
            "1Gi",
            "requests.memory = 1Gi must not be more than its limit 512Mi",
        ),
        ("gateway.shutdown.grace", "10s", "grace = 10s must be more than serve + 5s = 10s"),
        ("gateway.shutdown.pre_stop", "0s", "must be from 1s to 2m"),
        ("gateway.shutdown.pre_stop", "1500ms", "must be whole seconds"),
        ("gateway.shutdown.pre_stop", 5, "valid string"),
        ("gateway.timeouts.connect", "2 s", "must be a duration"),
        ("gateway.timeouts.connect", "2h", "must be from 1ms to 1h"),
        (
            "gateway.tracing",
            {"endpoint": "http://collector:4318"},
            "needs namespace or block, for the network policy: only https leads to the internet",
        ),
        (
            "gateway.tracing",
            {"endpoint": "https://c", "namespace": {"a": "b"}, "block": "10.0.0.1/32"},
            "the collector is in one place, name one of them",
        ),
        (
            "gateway.revoked_api_keys",
            ["local"],
            "revoked_api_keys has 'local', which api_keys has, too: remove it there",
        ),
        ("gateway.tracing", {"endpoint": "https://c", "port": 4318}, "say where it is"),
        (
            "gateway.tracing",
            {"endpoint": "https://c", "sample_ratio": 1.5},
            "less than or equal to 1",
        ),
        ("gateway.tracing", {"endpoint": "collector:4318"}, "must be an http or https URL"),
        ("gateway.disruption", {}, "max_unavailable = null and min_available = null: give one"),
        (
            "gateway.disruption",
            {"max_unavailable": 1, "min_available": 1},
            "max_unavailable = 1 and min_available = 1: give one of them",
        ),
        (
            "gateway.disruption",
            {"max_unavailable": 0},
            "disruption.max_unavailable = 0 would block every drain of a node",
        ),
        (
            "gateway.disruption",
            {"min_available": 2},
            "min_available = 2 would block every drain of a node; it must be less than replicas.",
        ),
        ("gateway.spread.zones", "sometimes", "'off', 'preferred' or 'required'"),
        ("gateway.spread.zones", False, "= false is wrong"),
        ("gateway.providers.alpha.base_url", "ftp://x", "must be an http or https URL"),
        ("gateway.providers.alpha.kind", "smoke-signals", "openai-compatible"),
        ("gateway.models.fast.targets", [], "at least 1 item"),
        (
            "gateway.models.fast.targets",
            [{"provider": "gamma", "model": "m"}],
            "names provider 'gamma'; known: alpha, beta",
        ),
        (
            "gateway.models.fast.targets",
            [
                {"provider": "alpha", "model": "m", "priority": 0, "weight": 9},
                {"provider": "beta", "model": "m", "priority": 0},
            ],
            "targets of priority 0: all have a weight, or none",
        ),
        (
            "gateway.models.fast.targets",
            [{"provider": "alpha", "model": "m", "lacks": ["smell"]}],
            "'tools', 'images' or 'json_schema'",
        ),
        ("gateway.providers.alpha.limits", {"requests_per_minute": 0}, "or equal to 1"),
        ("gateway.api_keys.local.on_outage", "maybe", "'allow' or 'deny'"),
        ("redis.replicas", 4, "3 or 5"),
        (
            "redis.quorum",
            4,
            "quorum = 4 must be at least 2, the majority, and less than replicas = 3",
        ),
        (
            "redis.quorum",
            1,
            "quorum = 1 must be at least 2, the majority, and less than replicas = 3",
        ),
        ("gateway.replicas.per_pod", {"requests_in_flight": 0}, "greater than or equal to 1"),
        ("gateway.replicas.per_pod", {"latency": 1}, "allowed here: breaker_openings_per_minute"),
        ("gateway.admission.queue", 4, "per_pod.queued_requests = 5 can never be reached"),
        ("gateway.replicas.per_pod.requests_in_flight", 321, "a pod takes admission.max_in_flight"),
        ("gateway.replicas.scale_down_after", "90m", "must be from 0s to 1h"),
        ("monitoring", {"kind": "grafana"}, "'bundled'"),
        ("monitoring.scrape_every", "500ms", "must be from 1s to 30s"),
        (
            "metrics_adapter",
            {"window": "9s"},
            "at least twice seawall:monitoring.scrape_every = 5s",
        ),
        ("redis.max_lag", "4s", "max_lag + 1s = 5s must be less than down_after = 5s"),
        ("redis.max_lag", "2500ms", "must be whole seconds"),
        ("redis.down_after", "1s", "must be from 3s to 60s"),
        (
            "redis.disruption",
            {"min_available": 3},
            "min_available = 3 would block every drain of a node; it must be less than replicas",
        ),
        ("redis.storage", "1G", "must be a memory quantity"),
        ("images.gateway", "seawall", "must be an image reference with a tag or a digest"),
        ("kubernetes.cluster", "borrowed", "'embedded', 'kind' or 'existing'"),
        ("kubernetes.node_image", "node", "must be an image reference with a tag or a digest"),
        (
            "kubernetes.node_image",
            "example.org/node:v1.35.0",
            'is for cluster = "kind", and cluster = "embedded"; leave it out',
        ),
        ("kubernetes.namespace", "Seawall", "must be a DNS label"),
        ("kubernetes.pod_security_version", "latest", "must be a version of Kubernetes"),
        ("kubernetes.adopt_existing", "true", "valid boolean"),
        ("network.clients", {}, "any = false and 0 namespaces"),
        (
            "network.clients",
            {"any": True, "namespaces": [{"a": "b"}]},
            "any = true and 1 namespaces",
        ),
        ("network.never", ["10.0.0.1/8"], "must be an IPv4 block"),
        ("network.never", ["10.0.0.0/255.0.0.0"], "must be an IPv4 block"),
        ("network.never", ["10.0.0.0/8", "0.0.0.0/0"], "0.0.0.0/0 is every address"),
        ("gateway.resources.requests.cpu", "0", "must be a CPU quantity"),
        ("network.egress_proxy", {"block": "10.0.0.1", "port": 1}, "must be an IPv4 block"),
        ("network.monitoring", {}, "at least 1 item"),
        ("secret_store", {}, "kind must be one of"),
        ("secret_store", {"kind": "drawer"}, "kind must be one of"),
        ("backup", {"schedule": "@daily"}, "(and 5 more)"),
        ("state", {"backend": "s3", "secrets_provider": "passphrase"}, "URL of a Pulumi backend"),
        ("state", {"backend": "file://x", "secrets_provider": "rot13"}, "must be passphrase or"),
        ("release", {"settings_sha256": "1"}, "should match pattern"),
        ("protect", "yes", "valid boolean"),
        ("policies.spread", "moons", "'off', 'hosts' or 'zones'"),
        ("simulators", "alpha", "valid array"),
    ],
)
def test_invalid_value_is_refused_with_its_reason(
    values: Values, path: str, value: object, reason: str
) -> None:
    message = refusal(changed(values, path, value))
    assert reason in message
    assert message.startswith(f"seawall:{path.split('.', maxsplit=1)[0]}")


def test_image_without_a_digest_is_refused_if_digests_are_required() -> None:
    message = refusal(changed(complete("prod"), "images.redis", "registry.example/redis:7"))
    assert message == (
        'seawall:images.redis = "registry.example/redis:7" has no digest, and '
        "seawall:policies.digests = true; give name@sha256:..."
    )


def test_backup_image_without_a_digest_is_refused() -> None:
    message = refusal(changed(complete("prod"), "backup.image", "registry.example/ops:1"))
    assert message.startswith('seawall:backup.image = "registry.example/ops:1" has no digest')


@pytest.mark.parametrize(
    ("image", "section"), [("prometheus", "monitoring"), ("metrics_adapter", "metrics_adapter")]
)
def test_section_without_its_image_is_refused(values: Values, image: str, section: str) -> None:
    del values["seawall:images"][image]
    assert refusal(values) == (
        f"seawall:images.{image} is missing, and seawall:{section} runs it; give it"
    )


def test_an_adapter_needs_a_prometheus(values: Values) -> None:
    del values["seawall:monitoring"]
    assert refusal(values).startswith("seawall:metrics_adapter has no Prometheus to ask: give ")
    url = "http://prometheus.watch.svc:9090"
    nowhere = changed(values, "metrics_adapter", {"prometheus": {"url": url}})
    assert "needs either namespace or block" in refusal(nowhere)
    there = {"url": url, "namespace": {"name": "watch"}}
    assert parse(changed(values, "metrics_adapter", {"prometheus": there})).metrics_adapter


def test_per_pod_targets_without_a_metrics_adapter_are_refused(values: Values) -> None:
    del values["seawall:metrics_adapter"]
    assert refusal(values).startswith(
        "seawall:gateway.replicas.per_pod asks for requests_in_flight, requests_per_second, "
    )


def test_provider_port_that_network_policies_block_is_refused() -> None:
    values = changed(complete("dev"), "gateway.providers.groq.base_url", "http://groq.example/v1")
    assert refusal(values) == (
        'seawall:gateway.providers.groq.base_url = "http://groq.example/v1" uses port 80, and the '
        "network policies allow only 443; use https or seawall:network.egress_proxy"
    )
    proxy = {"block": "10.0.0.9/32", "port": 80}
    assert parse(changed(values, "network.egress_proxy", proxy)).network.egress_proxy is not None


def test_max_lag_plus_one_second_must_be_less_than_down_after(values: Values) -> None:
    # 3 s of lag, 1 s until the master notices: 4 s must be less than down_after.
    redis = parse(changed(values, "redis.down_after", "4001ms")).redis
    assert (redis.max_lag.seconds, redis.down_after.milliseconds) == (3, 4001)
    assert "two masters" in refusal(changed(values, "redis.down_after", "4s"))


def test_error_about_a_section_does_not_print_its_value(values: Values) -> None:
    message = refusal(changed(values, "redis.max_lag", "9s"))
    assert message.startswith("seawall:redis is wrong: max_lag + 1s = 10s must be less than")


def test_required_spread_over_zones_and_hosts_is_possible() -> None:
    spread = {"hosts": "required", "zones": "required"}
    values = changed(complete("prod"), "gateway.spread", spread)
    assert parse(values).gateway.spread.zones == "required"


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_synth_raises_the_configuration_error(env: str) -> None:
    with pytest.raises(ConfigError, match="missing"):
        synth(committed(env), env=env)


@pytest.mark.parametrize("contents", ['{"token": "s3cret"}', "apiVersion: s3cret", "a\ns3cret"])
def test_error_about_the_contents_of_a_kubeconfig_does_not_print_them(
    values: Values, contents: str
) -> None:
    message = refusal(changed(values, "kubernetes.kubeconfig", contents))
    assert message.startswith("seawall:kubernetes.kubeconfig is wrong: must be the path of a file")
    assert "s3cret" not in message, "the contents may include a private key"
