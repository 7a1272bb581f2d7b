"""Refusals that another request form, another target or waiting can resolve."""

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.service.kit import Gateway, Simulator
from tests.service.scripted_provider import CHOICE, provider, whole

pytestmark = [pytest.mark.servers]

JSON = b"content-type: application/json"
GOOD = whole("200 OK", CHOICE, JSON)


def error(status: str, message: str, code: str | None = None, header: bytes = JSON) -> bytes:
    said = {"error": {"message": message, "type": "x", "param": None, "code": code}}
    return whole(status, json.dumps(said).encode(), header)


@contextmanager
def gateway_of(
    folder: Path,
    alpha: Simulator,
    answers: Mapping[str, tuple[bytes, ...]],
    *,
    fallback: bool = False,
    kind: str = "openai-compatible",
) -> Generator[Gateway]:
    """A gateway with a model `odd` of these providers in order, and `alpha` as its fallback."""
    with ExitStack() as ending:
        providers: dict[str, object] = {
            name: {
                "kind": kind,
                "base_url": ending.enter_context(provider(*said)),
            }
            for name, said in answers.items()
        }
        providers["alpha"] = {"kind": "openai", "base_url": alpha.base_url}
        targets = [{"provider": name, "model": "x"} for name in answers]
        well = {"targets": [{"provider": "alpha", "model": "x"}]}
        odd = {"targets": targets, "fallbacks": ["well"] if fallback else []}
        gateway = Gateway(
            folder, [alpha], providers=providers, named_models={"odd": odd, "well": well}
        )
        ending.callback(gateway.stop)
        yield gateway


def test_max_tokens_is_reduced_to_what_the_target_allows(folder: Path, alpha: Simulator) -> None:
    """The limit is parsed from the refusal and remembered; the space left applies to one prompt."""
    bound = error(
        "400 Bad Request",
        "max_tokens is too large: 500. This model supports at most 100 completion tokens",
    )
    room = error("400 Bad Request", "max_tokens is too large (32000 > 32768 - 21000)")
    answers = {"short": (bound, GOOD), "full": (room, GOOD)}
    with gateway_of(folder, alpha, answers) as gateway:
        for _ in range(2):
            answer = gateway.chat("short/x", max_tokens=500)
            assert answer.status == 200
            assert answer.headers["x-seawall-adapted"] == "max_tokens"
        assert "x-seawall-adapted" not in gateway.chat("short/x", max_tokens=50).headers
        answer = gateway.chat("full/x", max_tokens=32000)
        assert (answer.status, answer.headers["x-seawall-adapted"]) == (200, "max_tokens")
        assert "x-seawall-adapted" not in gateway.chat("full/x", max_tokens=32000).headers
        tries = 'seawall_provider_attempts_total{outcome="too_many_tokens",provider="short"}'
        assert gateway.metric(tries) == 1


def test_retry_after_is_the_shortest_wait_of_all_targets(folder: Path, alpha: Simulator) -> None:
    later = error("429 Too Many Requests", "slow down", header=b"retry-after: 40")
    sooner = error("429 Too Many Requests", "Please retry in 20.5s.")
    with gateway_of(folder, alpha, {"one": (sooner,), "two": (later,)}) as gateway:
        answer = gateway.chat("odd")
        assert (answer.status, answer.headers["retry-after"]) == (429, "21")
        assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_fallback_answers_rate_limits_and_insufficient_quota_keeps_its_code(
    folder: Path, alpha: Simulator
) -> None:
    busy = error("429 Too Many Requests", "slow down")
    empty = error("429 Too Many Requests", "You exceeded your current quota", "insufficient_quota")
    answers = {"one": (busy,), "two": (empty,)}
    with gateway_of(folder, alpha, answers, fallback=True) as gateway:
        answer = gateway.chat("odd")
        assert (answer.status, answer.headers["x-seawall-degraded"]) == (200, "fallback")
        answer = gateway.chat("two/x")
        assert (answer.status, answer.json()["error"]["code"]) == (429, "insufficient_quota")


LEARNED = {
    "stream": ("Your organization must be verified to stream this model", ""),
    "max_tokens": (
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        "",
    ),
    "temperature": (
        "Unsupported value: 'temperature' does not support 0.5 with this model.",
        "temperature",
    ),
}
"""The error message of a target about a field, and the adapted field that the client sees."""


def test_refused_field_is_adapted_in_later_requests_to_that_target(
    folder: Path, alpha: Simulator
) -> None:
    answers: dict[str, tuple[bytes, ...]] = {}
    for param, (message, _) in LEARNED.items():
        said = {"error": {"message": message, "param": param, "code": "unsupported_value"}}
        answers[param.replace("_", "-")] = (
            whole("400 Bad Request", json.dumps(said).encode(), JSON),
            GOOD,
        )
    with gateway_of(folder, alpha, answers, kind="openai") as gateway:
        for param, (_, adapted) in LEARNED.items():
            name = param.replace("_", "-")
            for _ in range(2):
                answer = gateway.chat(f"{name}/x", max_tokens=50, temperature=0.5)
                assert answer.status == 200
                assert answer.headers.get("x-seawall-adapted", "") == adapted
            tries = f'seawall_provider_attempts_total{{outcome="own_field",provider="{name}"}}'
            assert gateway.metric(tries) == 1


def test_adapted_requests_metric_starts_at_zero(folder: Path, alpha: Simulator) -> None:
    """A series that starts with its first event has no rate, and the dashboard would be empty."""
    with gateway_of(folder, alpha, {"one": (GOOD,)}, kind="groq") as gateway:
        adapted = 'seawall_requests_adapted_total{provider="one"}'
        assert gateway.metric(adapted) == 0
        document = {"model": "odd", "messages": [{"role": "user", "content": "x", "mood": "good"}]}
        assert gateway.post(json.dumps(document).encode()).status == 200
        assert gateway.metric(adapted) == 1
