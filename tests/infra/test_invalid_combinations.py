"""Values that are valid alone and wrong together are refused with one line that names both."""

import pytest

from infra.parsing import parse
from tests.infra.environments import changed, complete, refusal

PROD = complete("prod")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("kubernetes.namespace", "kube-system", 'namespace = "kube-system" belongs to the cluster'),
        ("kubernetes.namespace", "default", 'namespace = "default" belongs to the cluster'),
        ("redis.quorum", 3, "quorum = 3 must be at least 2, the majority, and less than replicas"),
        ("redis.storage", "1Gi", "storage = 1Gi must be at least twice resources.limits.memory"),
        ("redis.disruption", {"max_unavailable": 2}, "evict 2 of 3 pods at once"),
        ("redis.disruption", {"min_available": 1}, "evict 2 of 3 pods at once"),
        ("gateway.disruption", {"max_unavailable": 3}, "must be less than replicas.min = 3"),
        ("gateway.admission.max_buffered_bytes", 1 << 34, "half of resources.limits.memory"),
        ("gateway.degradation", {"stale_bytes": 1 << 30}, "half of resources.limits.memory"),
        ("gateway.admission.max_body_bytes", 1 << 29, "must not be more than admission.max_buffer"),
        ("gateway.timeouts", {"answer": "1h"}, "must not be more than admission.deadline = 10m"),
        ("simulators", ["alpha", "alpha"], 'seawall:simulators has "alpha" twice'),
        ("state.backend", "s3://b?region=r&secret=x", "must not contain credentials"),
        ("state.backend", "azblob://b?sig=abc", "must not contain credentials"),
    ],
)
def test_combination_is_refused(key: str, value: object, told: str) -> None:
    assert told in refusal(changed(PROD, key, value))


def test_credentials_in_the_address_of_the_state_are_not_printed() -> None:
    assert "s3cret" not in refusal(changed(PROD, "state.backend", "s3://b?secret=s3cret"))


def test_smallest_redis_memory_is_named() -> None:
    small = {"cpu": "100m", "memory": "16Mi"}
    values = changed(PROD, "redis.resources", {"requests": small, "limits": small})
    assert "resources.limits.memory = 16Mi must be at least 64Mi" in refusal(values)


def test_five_redis_pods_may_lose_two() -> None:
    values = changed(changed(PROD, "redis.replicas", 5), "redis.disruption", {"max_unavailable": 2})
    assert parse(values).redis.disruption.evicted(5) == 2


@pytest.mark.parametrize("names", [["a/b", "a-b"], ["a/b", "a/b"]])
def test_repositories_with_one_resource_name_are_refused(names: list[str]) -> None:
    aws = {"region": "eu-central-1", "registry": {"repositories": names}}
    told = refusal(changed(PROD, "aws", aws))
    assert f'repositories has "{names[0]}" and "{names[1]}"' in told


def test_bucket_and_backup_keep_copies_for_the_same_time() -> None:
    backup = PROD["seawall:backup"]
    bucket = {"name": backup["bucket"], "prefix": "seawall/prod", "days": 7}
    values = changed(PROD, "aws", {"region": "eu-central-1", "backup_bucket": bucket})
    values["seawall:backup"] = {**backup, "removal": "bucket", "keep": "30d"}
    assert "seawall:backup.keep = 30d is not what seawall:aws.backup_bucket.days = 7" in refusal(
        values
    )
    values["seawall:backup"] = {**backup, "removal": "bucket", "keep": "7d"}
    assert parse(values).backup is not None


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.20"])
def test_address_as_a_host_name_is_refused(host: str) -> None:
    edge = {"kind": "bundled", "hosts": [host]}
    assert "must be a host's name" in refusal(changed(PROD, "edge", edge))


def test_every_address_as_a_trusted_proxy_is_refused() -> None:
    edge = {"kind": "bundled", "trusted_proxies": ["0.0.0.0/0"]}
    assert "every client could choose its own address" in refusal(changed(PROD, "edge", edge))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("gateway", "gateway is not known; write seawall:gateway"),
        ("seawal:protect", "seawal:protect is not known; write seawall:protect"),
        ("Seawall:protect", "Seawall:protect is not known; write seawall:protect"),
    ],
)
def test_misspelt_namespace_of_a_key_is_refused(key: str, told: str) -> None:
    assert refusal({**PROD, key: True}) == told


@pytest.mark.parametrize("key", ["aws:region", "kubernetes:namespace", "other:key"])
def test_keys_of_other_programs_are_ignored(key: str) -> None:
    assert parse({**PROD, key: "x"}) == parse(PROD)


def test_key_with_a_line_break_is_one_line() -> None:
    clients = {"namespaces": [{"a\nb": "x"}]}
    assert "'a\\nb'" in refusal(changed(PROD, "network.clients", clients))
