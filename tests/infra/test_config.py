"""Every wrong configuration is refused with one line."""

import copy
from typing import Any

import pytest

from infra.config import ConfigError, parse, secret_names


def changed(values: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    copied = copy.deepcopy(values)
    section, *steps = path.split(".")
    place = copied[f"seawall:{section}"] if steps else copied
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1] if steps else f"seawall:{section}"] = value
    return copied


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(values)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_committed_values_of_local_are_accepted(values: dict[str, Any]) -> None:
    assert parse(values).gateway.replicas.max == 6


def test_the_configuration_is_frozen(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse(values).gateway.replicas.max = 7  # pyright: ignore[reportAttributeAccessIssue]


def test_an_unknown_key_is_named_with_the_allowed_ones(values: dict[str, Any]) -> None:
    message = refusal(changed(values, "gateway.replicas.maximum", 3))
    assert message == (
        "seawall:gateway.replicas.maximum = 3 is not known; allowed here: cpu_percent, max, min"
    )


def test_an_unknown_section_is_named_with_the_allowed_ones(values: dict[str, Any]) -> None:
    message = refusal(changed(values, "gatway", {}))
    assert message.startswith("seawall:gatway = {} is not known; allowed here: gateway, images")


def test_an_unknown_key_inside_a_named_entry_is_explained(values: dict[str, Any]) -> None:
    message = refusal(changed(values, "gateway.providers.alpha.url", "x"))
    assert message.endswith("allowed here: base_url, kind")


def test_a_missing_key_is_named(values: dict[str, Any]) -> None:
    del values["seawall:images"]["redis"]
    assert refusal(values) == "seawall:images.redis is missing"


def test_several_problems_are_one_line(values: dict[str, Any]) -> None:
    values["seawall:images"] = {}
    assert refusal(values) == "seawall:images.gateway is missing (and 1 more)"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("gateway.replicas.min", "2", "valid integer"),
        ("gateway.replicas.min", 0, "greater than or equal to 1"),
        ("gateway.replicas.min", 7, "min = 7 must not be more than max = 6"),
        ("gateway.resources.requests.cpu", "fast", "should match pattern"),
        ("gateway.resources.requests.memory", "1.5Gi", "should match pattern"),
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
        (
            "gateway.shutdown.grace_seconds",
            10,
            "grace_seconds = 10 must be more than serve_seconds + 5 = 10",
        ),
        ("gateway.shutdown.pre_stop_seconds", 0, "greater than or equal to 1"),
        ("gateway.providers.alpha.base_url", "ftp://x", "should match pattern"),
        ("gateway.providers.alpha.kind", "smoke-signals", "openai-compatible"),
        ("gateway.models.fast.targets", [], "at least 1 item"),
        (
            "gateway.models.fast.targets",
            [{"provider": "gamma", "model": "m"}],
            "names provider 'gamma'; known: alpha, beta",
        ),
        ("gateway.api_keys.local.on_outage", "maybe", "'allow' or 'deny'"),
        ("redis.max_lag_s", 4, "max_lag_s + 1 = 5 must be less than down_after_ms / 1000 = 5"),
        ("redis.down_after_ms", 1000, "greater than or equal to 3000"),
        ("redis.host_spread", "sometimes", "'preferred' or 'required'"),
        ("redis.storage", "1G", "should match pattern"),
        ("images.gateway", "seawall", "should match pattern"),
        ("kubernetes.namespace", "Seawall", "should match pattern"),
        ("kubernetes.pod_security_version", "latest", "should match pattern"),
        ("kubernetes.adopt_existing", "true", "valid boolean"),
        ("simulators", "alpha", "valid array"),
    ],
)
def test_a_wrong_value_is_refused(
    values: dict[str, Any], path: str, value: object, reason: str
) -> None:
    message = refusal(changed(values, path, value))
    assert reason in message
    assert message.startswith(f"seawall:{path.split('.', maxsplit=1)[0]}")


def test_lag_and_detection_leave_room_for_one_second(values: dict[str, Any]) -> None:
    # 3 s of lag, 1 s until the master notices: 4 s must be less than down_after.
    assert parse(changed(values, "redis.down_after_ms", 4001)).redis.max_lag_s == 3
    assert "two masters" in refusal(changed(values, "redis.down_after_ms", 4000))


def test_every_provider_and_client_key_needs_a_secret(values: dict[str, Any]) -> None:
    names = secret_names(parse(values))
    assert {"api-key-local", "provider-alpha", "provider-beta"} <= set(names)
    assert len(names) == len(set(names)) == 9


def test_a_line_about_a_whole_object_does_not_print_it(values: dict[str, Any]) -> None:
    message = refusal(changed(values, "redis.max_lag_s", 9))
    assert message.startswith("seawall:redis is wrong: max_lag_s + 1 = 10 must be less than")
