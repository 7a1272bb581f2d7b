"""The files that infra writes and the gateway reads agree: one renders, the other parses."""

import json
from typing import Any

from infra.components.gateway_files import api_keys_file, settings_file
from infra.config import parse
from service.settings import RedisState, parse_settings


def test_the_gateway_accepts_the_rendered_settings(values: dict[str, Any]) -> None:
    gateway = parse(values).gateway
    text = settings_file(gateway, redis_hosts=["redis-0.seawall.svc"], master="seawall")
    settings = parse_settings(text, "rendered")
    assert isinstance(settings.state, RedisState)
    assert settings.state.sentinels == ("redis-0.seawall.svc:26379",)
    assert settings.timeouts.answer_seconds == gateway.timeouts.answer.seconds == 30
    assert settings.admission.deadline_seconds == gateway.admission.deadline.seconds == 600
    assert settings.drain.grace_seconds == gateway.shutdown.grace.seconds


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
    }
