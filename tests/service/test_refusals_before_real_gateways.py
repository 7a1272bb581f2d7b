"""What a gateway does with a refusal that another form, another target or a while may mend."""

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
    """A gateway whose model `odd` has these providers in turn, and `alpha` as its fallback."""
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


def test_an_answer_is_as_long_as_the_target_allows(folder: Path, alpha: Simulator) -> None:
    """The bound is read of the refusal, and known from then on."""
    bound = error(
        "400 Bad Request",
        "max_tokens is too large: 500. This model supports at most 100 completion tokens",
    )
    with gateway_of(folder, alpha, {"short": (bound, GOOD)}) as gateway:
        for _ in range(2):
            answer = gateway.chat("odd", max_tokens=500)
            assert answer.status == 200
            assert answer.headers["x-seawall-adapted"] == "max_tokens"
        assert "x-seawall-adapted" not in gateway.chat("odd", max_tokens=50).headers
        tries = 'seawall_provider_attempts_total{outcome="too_many_tokens",provider="short"}'
        assert gateway.metric(tries) == 1


def test_room_beside_a_long_prompt_is_used(folder: Path, alpha: Simulator) -> None:
    """What vLLM says of one prompt says nothing of the next."""
    room = error("400 Bad Request", "max_tokens is too large (32000 > 32768 - 21000)")
    with gateway_of(folder, alpha, {"short": (room, GOOD)}) as gateway:
        answer = gateway.chat("odd", max_tokens=32000)
        assert (answer.status, answer.headers["x-seawall-adapted"]) == (200, "max_tokens")
        assert "x-seawall-adapted" not in gateway.chat("odd", max_tokens=32000).headers


def test_the_soonest_of_all_waits_is_told(folder: Path, alpha: Simulator) -> None:
    later = error("429 Too Many Requests", "slow down", header=b"retry-after: 40")
    sooner = error("429 Too Many Requests", "Please retry in 20.5s.")
    with gateway_of(folder, alpha, {"one": (sooner,), "two": (later,)}) as gateway:
        answer = gateway.chat("odd")
        assert (answer.status, answer.headers["retry-after"]) == (429, "21")
        assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_a_fallback_answers_when_all_have_had_enough(folder: Path, alpha: Simulator) -> None:
    busy = error("429 Too Many Requests", "slow down")
    with gateway_of(folder, alpha, {"one": (busy,)}, fallback=True) as gateway:
        answer = gateway.chat("odd")
        assert (answer.status, answer.headers["x-seawall-degraded"]) == (200, "fallback")


def test_an_account_without_quota_stays_that(folder: Path, alpha: Simulator) -> None:
    empty = error("429 Too Many Requests", "You exceeded your current quota", "insufficient_quota")
    with gateway_of(folder, alpha, {"one": (empty,)}) as gateway:
        answer = gateway.chat("odd")
        assert (answer.status, answer.json()["error"]["code"]) == (429, "insufficient_quota")


LEARNED = {
    "a stream that is refused": (
        "Your organization must be verified to stream this model",
        "stream",
        "",
    ),
    "another name": (
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        "max_tokens",
        "",
    ),
    "a field that tunes": (
        "Unsupported value: 'temperature' does not support 0.5 with this model.",
        "temperature",
        "temperature",
    ),
}


@pytest.mark.parametrize("what", LEARNED)
def test_what_a_target_refuses_is_left_out_from_then_on(
    folder: Path, alpha: Simulator, what: str
) -> None:
    message, param, adapted = LEARNED[what]
    said = {"error": {"message": message, "param": param, "code": "unsupported_value"}}
    refused = whole("400 Bad Request", json.dumps(said).encode(), JSON)
    with gateway_of(folder, alpha, {"one": (refused, GOOD)}, kind="openai") as gateway:
        for _ in range(2):
            answer = gateway.chat("odd", max_tokens=50, temperature=0.5)
            assert answer.status == 200
            assert answer.headers.get("x-seawall-adapted", "") == adapted
        tries = 'seawall_provider_attempts_total{outcome="own_field",provider="one"}'
        assert gateway.metric(tries) == 1


def test_adapted_requests_are_counted_from_the_start(folder: Path, alpha: Simulator) -> None:
    """A series that begins with its first event has no rate: the dashboard would stay empty."""
    with gateway_of(folder, alpha, {"one": (GOOD,)}, kind="groq") as gateway:
        adapted = 'seawall_requests_adapted_total{provider="one"}'
        assert gateway.metric(adapted) == 0
        document = {"model": "odd", "messages": [{"role": "user", "content": "x", "mood": "good"}]}
        assert gateway.post(json.dumps(document).encode()).status == 200
        assert gateway.metric(adapted) == 1
