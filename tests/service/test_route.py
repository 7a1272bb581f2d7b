"""The choice among a model's targets, over real HTTP."""

import json
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.kit import Gateway, Simulator, provider_of

pytestmark = [pytest.mark.servers]

PROVIDER = "x-seawall-provider"
LONG = "The system prompt of this application. " * 150
"""A prompt above 4 KiB, which providers cache."""


def targets(alpha: dict[str, object], beta: dict[str, object], model: str) -> dict[str, object]:
    """Targets of a separate model, so that no other test has measured them."""
    pair = [{"provider": "alpha", **alpha}, {"provider": "beta", **beta}]
    return {"targets": [{"model": model, **target} for target in pair]}


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulators: tuple[Simulator, Simulator]
) -> Generator[Gateway]:
    alpha, beta = simulators
    equal: dict[str, object] = {"priority": 0}
    made = Gateway(
        tmp_path_factory.mktemp("gateway"),
        simulators,
        providers={
            "alpha": provider_of(alpha, "openai-compatible"),
            "beta": provider_of(beta, "openai-compatible"),
            "small": {
                **provider_of(alpha, "openai-compatible"),
                "limits": {"requests_per_minute": 30},
            },
        },
        named_models={
            **{name: targets(equal, equal, name) for name in ("equal", "slow", "busy")},
            "canary": targets({**equal, "weight": 9}, {**equal, "weight": 1}, "canary"),
            "reversed": targets({"priority": 5}, {"priority": 2}, "reversed"),
            "lacking": targets({"lacks": ["tools", "images", "json_schema"]}, {}, "lacking"),
            "limited": {
                "targets": [
                    {"provider": "small", "model": "limited"},
                    {"provider": "beta", "model": "limited"},
                ]
            },
        },
    )
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def _healthy(alpha: Simulator, beta: Simulator) -> None:
    """Heal both simulators; a test sets its own faults."""


def asked(gateway: Gateway, model: str, *, stream: bool = False, **fields: object) -> str:
    answer = gateway.chat(model, stream=stream, **fields)
    assert answer.status == 200, answer.body
    return answer.headers[PROVIDER]


def turn(gateway: Gateway, model: str, conversation: int, turns: int, *, stream: bool) -> str:
    messages = [{"role": "user", "content": f"conversation {conversation}: {LONG}"}]
    for number in range(turns):
        messages.append({"role": "assistant", "content": f"answer {number}"})
        messages.append({"role": "user", "content": f"question {number}"})
    body = json.dumps({"model": model, "messages": messages, "stream": stream}).encode()
    answer = gateway.post(body)
    assert answer.status == 200, answer.body
    return answer.headers[PROVIDER]


def test_conversation_stays_with_the_provider_that_cached_its_prompt(gateway: Gateway) -> None:
    homes = [
        {turn(gateway, "equal", conversation, turns, stream=False) for turns in range(4)}
        for conversation in range(12)
    ]
    assert all(len(home) == 1 for home in homes), homes
    assert len(set[str]().union(*homes)) == 2, "conversations spread over both"


def test_concurrent_equal_prompts_are_spread_over_targets(
    gateway: Gateway, alpha: Simulator, beta: Simulator
) -> None:
    alpha.fault("slow_first_token", seconds=0.2)
    beta.fault("slow_first_token", seconds=0.2)
    with ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(turn, gateway, "busy", 1, 0, stream=True) for _ in range(16)]
        found = Counter(one.result() for one in sent)
    assert min(found["alpha"], found["beta"]) >= 4, found


def test_slow_target_of_equal_priority_gets_fewer_requests(
    gateway: Gateway, alpha: Simulator
) -> None:
    alpha.fault("slow_first_token", seconds=0.4)
    found = Counter(asked(gateway, "slow", stream=True) for _ in range(40))
    assert found["alpha"] <= 5, found


def test_canary_target_gets_its_weighted_share(gateway: Gateway) -> None:
    found = Counter(asked(gateway, "canary") for _ in range(400))
    # 40 are expected, with a standard deviation of six.
    assert 16 <= found["beta"] <= 64, found


def test_priority_overrides_the_order_of_targets(gateway: Gateway) -> None:
    assert asked(gateway, "reversed") == "beta"


TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
WORDS = {"type": "text", "text": 'he said "image_url" and left'}


@pytest.mark.parametrize(
    ("fields", "provider"),
    [
        ({}, "alpha"),
        ({"tools": [TOOL]}, "beta"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "beta"),
        ({"messages": [{"role": "user", "content": [WORDS]}]}, "alpha"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "beta"),
        ({"response_format": {"type": "json_object"}}, "alpha"),
    ],
    ids=["nothing", "tools", "an image", "words", "a schema", "plain JSON"],
)
def test_request_skips_a_target_without_a_needed_capability(
    gateway: Gateway, fields: dict[str, Any], provider: str
) -> None:
    assert asked(gateway, "lacking", **fields) == provider


def test_provider_at_its_request_limit_is_skipped_while_another_can_answer(
    gateway: Gateway, alpha: Simulator, beta: Simulator
) -> None:
    before = alpha.requests()
    found = [asked(gateway, "limited") for _ in range(5)]
    # 30 per minute allow three at once, and then one in two seconds.
    assert found[:4] == ["small"] * 3 + ["beta"], found
    assert alpha.requests() - before <= 4
    beta.fault("status", code=500)
    assert asked(gateway, "limited") == "small", "nobody else is left: it may answer after all"
