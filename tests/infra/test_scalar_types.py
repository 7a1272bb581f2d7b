"""Each scalar type accepts valid values and refuses invalid ones."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contract.values.durations import Between
from infra.config import Duration, has_digest, scalars

DIGEST = "sha256:" + "0" * 64

GOOD = {
    "Cpu": ["250m", "2", "0.5", "10"],
    "Memory": ["1Ki", "256Mi", "2Gi"],
    "Name": ["a", "gateway-1"],
    "ModelName": ["gpt-4.1-mini", "meta/llama:70b"],
    "Image": [
        "redis:7",
        "registry.example:5000/team/gateway:1.0_a",
        f"registry.example/gateway@{DIGEST}",
        f"registry.example/gateway:1.0@{DIGEST}",
    ],
    "Url": ["https://api.example/v1", "http://simulator-alpha:8090/v1", "http://10.0.0.1"],
    "Cidr": ["10.0.0.0/8", "169.254.20.10/32", "0.0.0.0/0"],
    "Cron": ["* * * * *", "*/15 0-6 1,15 1-12/3 0", "0 */6 * * 1-5", "59 23 31 12 6"]
    # Valid: one of the two day fields matches, leap days exist, and March has 31 days.
    + ["0 0 31 2 1", "0 0 29 2 *", "0 0 31 2-4/1 *", "0 0 28-31 2 *", "0 0 */31 2 *"],
    "Region": ["eu-west-1", "us-gov-west-1", "ap-southeast-2"],
    "Bucket": ["abc", "team-backups.eu"],
    "RoleArn": ["arn:aws:iam::000000000000:role/seawall", "arn:aws-cn:iam::000000000000:role/a/b"],
    "KeyPath": ["secret", "seawall/prod", "a..b/.c"],
    "Prefix": ["seawall/prod/", "a"],
    "Labels": [{"kubernetes.io/metadata.name": "kube-system"}, {"a": ""}],
    "Count": [1, 1000],
    "Annotations": [{}, {"cert-manager.io/issuer": "any text: {}"}],
    "ClassName": ["nlb", "service.k8s.aws/nlb"],
    "Host": ["llm.example.com", "*.example.com", "a.b"],
    "PortName": ["https", "a", "https.web-1"],
}
BAD = {
    "Cpu": ["", "fast", "-1", "1.5m", "1k", " 1", "0m", "0", "0.0", "00"],
    "Memory": ["", "1", "1G", "1.5Gi", "0Mi", "1Gi "],
    "Name": ["", "-a", "a-", "A", "a_b", "a.b", "a" * 43, "a\n"],
    "ModelName": ["", "-x", "a b"],
    "Image": [
        "redis",
        "Redis:7",
        "redis:",
        "registry.example:5000/redis",
        "redis@sha256:12",
        "redis:7 ",
        f"redis@{DIGEST}:7",
        "//redis:7",
    ],
    "Url": [
        "api.example",
        "ftp://api.example",
        "https://",
        "https://user:word@api.example",
        "https://api.example/a b",
        "https://api.example:99999",
        "https://[x",
    ],
    "Cidr": [
        *("10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "::/0", "x"),
        *("10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0/08", "10.0.0.0/8\n"),
    ],
    "Cron": [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "*/0 * * * *",
        "5/10 * * * *",
        "1, * * * *",
        "@daily",
        "* * * JAN *",
        "*  * * * *",
        "* * * * *\n",
        "0 0 31 2 *",
        "0 0 30,31 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 31 2 */2",
        "0 0 31 4-6/2 *",
    ],
    "Region": ["", "europe", "eu_west_1", "EU-WEST-1"],
    "Bucket": ["", "ab", "Team", "s3://team", "-team", "team..backups"],
    "RoleArn": ["", "arn:aws:iam::1:role/x", "arn:aws:s3:::bucket", "seawall"],
    "KeyPath": ["", "/secret", "secret/", "a//b", "a b", "..", "a/../b", "a/..", "../a", "a/./b"],
    "Prefix": ["", "a b", "a{{"],
    "Labels": [{}, {"-a": "b"}, {"a": "b c"}, {"a": 1}],
    "Annotations": [{"-a": "b"}, {"a": 1}, {"a b": ""}],
    "ClassName": ["", "a b", "/nlb"],
    "Host": ["", "LLM.example.com", "example", "a..b", "a.*.b", "a.b.", "-a.b", "a.b:80", "a.b\n"],
    "PortName": ["", "HTTPS", "-a", "a_b"],
    "Count": [0, 1001, "1", True, 1.5],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


def test_every_scalar_type_has_valid_and_invalid_examples() -> None:
    types = set(scalars.__all__) - {"Between", "Duration", "has_digest"}
    assert types == set(GOOD) == set(BAD)


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_valid_value_is_accepted_unchanged(name: str, value: object) -> None:
    adapter = TypeAdapter[object](getattr(scalars, name))
    assert adapter.validate_python(value, strict=True) == value


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_invalid_value_is_refused(name: str, value: object) -> None:
    adapter = TypeAdapter[object](getattr(scalars, name))
    with pytest.raises(ValidationError):
        adapter.validate_python(value, strict=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("12h", 43_200), ("7d", 604_800), ("0s", 0)],
)
def test_duration_is_parsed_in_seconds(text: str, seconds: float) -> None:
    duration = Duration.parse(text)
    assert duration.seconds == seconds
    assert duration.whole_seconds == int(seconds)
    assert str(duration) == text


@pytest.mark.parametrize("text", ["", "5", "s", "1.5s", "-1s", "1m30s", "1w", "05s", " 5s", "5s\n"])
def test_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        Duration.parse(text)


def test_durations_compare_by_their_length() -> None:
    assert Duration.parse("60s") == Duration.parse("1m")
    assert Duration.parse("999ms") < Duration.parse("1s")


def test_duration_limits_are_inclusive() -> None:
    limits = Between("1s", "1m", whole=True)
    for text in ("1s", "60s"):
        assert limits.check(Duration.parse(text)).text == text
    for text in ("999ms", "61s", "1500ms"):
        with pytest.raises(ValueError, match="must be"):
            limits.check(Duration.parse(text))


def test_image_digest_is_detected() -> None:
    assert has_digest(f"registry.example/gateway:1@{DIGEST}")
    assert not has_digest("registry.example/gateway:1")
