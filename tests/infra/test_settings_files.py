"""The gateway parses the files that infra renders."""

import json
from pathlib import Path
from typing import Any

from infra.components.gateway.files import api_keys_file, settings_file
from infra.parsing import parse
from infra.secret_names import every_secret
from service.resilience.gcra import Limit
from service.settings import RedisState, parse_settings
from service.state.charges import Budget
from service.state.key_ring import load_keys, parse_keys
from tests.infra.environments import changed


def test_the_gateway_accepts_the_rendered_settings(values: dict[str, Any]) -> None:
    gateway = parse(values).gateway
    text = settings_file(
        gateway, redis_hosts=["redis-0.seawall.svc"], master="seawall", reload=False
    )
    settings = parse_settings(text, "rendered")
    assert isinstance(settings.state, RedisState)
    assert settings.state.sentinels == ("redis-0.seawall.svc:26379",)
    assert settings.timeouts == gateway.timeouts
    assert settings.admission == gateway.admission
    assert settings.tracing is None
    assert settings.degradation == gateway.degradation
    assert settings.models == gateway.models
    assert settings.shutdown.grace == gateway.shutdown.grace


def test_tracing_settings_are_rendered_and_headers_are_a_secret(
    values: dict[str, Any],
) -> None:
    there = {"endpoint": "https://traces.example", "sample_ratio": 0.1, "headers": True}
    environment = parse(changed(values, "gateway.tracing", there))
    text = settings_file(environment.gateway, redis_hosts=["r"], master="seawall", reload=False)
    tracing = parse_settings(text, "rendered").tracing
    assert tracing is not None
    assert (tracing.endpoint, tracing.sample_ratio) == ("https://traces.example", 0.1)
    assert tracing.headers_file == "tracing-headers"
    assert "tracing-headers" in every_secret(environment)
    assert "tracing-headers" not in every_secret(parse(values))


def test_an_api_key_is_written_as_its_hash(values: dict[str, Any]) -> None:
    text = api_keys_file(parse(values).gateway.api_keys, {"local": "0" * 64})
    (entry,) = json.loads(text)["keys"]
    assert entry == {
        "id": "local",
        "sha256": "0" * 64,
        "tenant": "local",
        "requests_per_second": 100,
        "burst": 200,
        "on_outage": "allow",
        "admin": True,
    }


def test_limits_and_prices_are_rendered_for_the_gateway(
    values: dict[str, Any], tmp_path: Path
) -> None:
    prices = {"input": 0.5, "output": 2}
    for name, provider in values["seawall:gateway"]["providers"].items():
        targets = (t for m in values["seawall:gateway"]["models"].values() for t in m["targets"])
        provider["prices"] = {t["model"]: prices for t in targets if t["provider"] == name}
    limits = {
        "tokens_per_minute": 6000,
        "per_user": {"requests_per_second": 1.5},
        "budget": {"day": 2.5},
    }
    values["seawall:gateway"]["api_keys"]["local"].update(limits)
    gateway = parse(values).gateway
    path = tmp_path / "api-keys.json"
    path.write_text(api_keys_file(gateway.api_keys, {"local": "0" * 64}))
    (key,) = load_keys(path).keys.values()
    assert key.metered
    assert key.tokens is not None
    assert key.tokens.limit == Limit(rate=100, burst=6000)
    assert key.per_user is not None
    assert key.per_user.requests == Limit(rate=1.5, burst=2)
    assert key.account.budget == Budget((0, 2_500_000_000, 0))
    text = settings_file(gateway, redis_hosts=["r"], master="m", reload=False)
    settings = parse_settings(text, "rendered")
    for provider in settings.providers.values():
        assert {(one.input, one.output) for one in provider.prices.values()} == {(0.5, 2.0)}


def test_runtime_keys_are_revoked_by_the_key_file(values: dict[str, Any]) -> None:
    gateway = parse(changed(values, "gateway.revoked_api_keys", ["made-0123456789abcdef"])).gateway
    hashes = {"local": "0" * 64}
    text = api_keys_file(gateway.api_keys, hashes, gateway.revoked_api_keys)
    assert parse_keys(text.encode(), "rendered").revoked == {"made-0123456789abcdef"}
    assert "revoked" not in json.loads(api_keys_file(gateway.api_keys, hashes))
