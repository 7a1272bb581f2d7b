"""Failover: before the first content, clients never notice a failing provider."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import Gateway, Simulator, provider_of

pytestmark = [pytest.mark.servers]

BEFORE_CONTENT: list[tuple[str, dict[str, float | str]]] = [
    ("status", {"code": 500}),
    ("status", {"code": 503}),
    ("status", {"code": 429}),
    ("status", {"code": 429, "retry_after": 60}),
    ("status", {"code": 401}),
    ("refuse", {}),
    ("cut_mid_stream", {"after": 0}),
    ("cut_mid_stream", {"after": 0, "how": "reset"}),
    ("malformed_event", {}),
    ("html_200", {}),
    ("error_event", {}),
]
SILENT: list[tuple[str, dict[str, float | str]]] = [
    ("hang", {}),
    ("slow_first_token", {"seconds": 30}),
    ("stall_mid_stream", {"after": 0}),
]


def names(case: tuple[str, dict[str, float | str]]) -> str:
    return "-".join((case[0], *map(str, case[1].values())))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("case", BEFORE_CONTENT, ids=names)
def test_next_target_answers_after_a_fault_before_the_first_content(
    gateway: Gateway,
    alpha: Simulator,
    model: str,
    case: tuple[str, dict[str, float | str]],
    stream: bool,  # noqa: FBT001 - a parameter of pytest's
) -> None:
    alpha.fault(case[0], **case[1])
    expect_beta(gateway, model, stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("case", SILENT, ids=names)
def test_next_target_answers_after_silence_before_the_first_content(
    hasty_gateway: Gateway,
    alpha: Simulator,
    model: str,
    case: tuple[str, dict[str, float | str]],
    stream: bool,  # noqa: FBT001 - a parameter of pytest's
) -> None:
    alpha.fault(case[0], **case[1])
    expect_beta(hasty_gateway, model, stream=stream)


def expect_beta(gateway: Gateway, model: str, *, stream: bool) -> None:
    answer = gateway.chat(model, stream=stream)
    assert answer.status == 200, answer.body
    assert answer.headers["x-seawall-provider"] == "beta"
    if stream:
        assert answer.events()[-1] == "[DONE]"
    else:
        assert answer.json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("how", ["end", "reset"])
def test_stream_cut_after_the_first_content_ends_with_an_error_and_no_done(
    gateway: Gateway, alpha: Simulator, model: str, how: str
) -> None:
    broken = 'seawall_answers_broken_total{route="chat_completions"}'
    before = gateway.metric(broken)
    alpha.fault("cut_mid_stream", after=4, how=how)
    events = gateway.chat(model, stream=True).events()
    assert json.loads(events[-1])["error"]["code"] == "stream_broken"
    assert "[DONE]" not in events, "SDKs take half an answer with [DONE] for a whole one"
    assert gateway.metric(broken) == before + 1, "its status 200 counts as a good answer otherwise"


@pytest.mark.parametrize("kind", ["stall_mid_stream", "malformed_event", "error_event"])
def test_other_failures_after_the_first_content_end_with_an_error_event(
    hasty_gateway: Gateway, alpha: Simulator, model: str, kind: str
) -> None:
    alpha.fault(kind, after=4)
    events = hasty_gateway.chat(model, stream=True).events()
    assert json.loads(events[-1])["error"]["code"] == "stream_broken"
    assert "[DONE]" not in events


def test_client_error_is_passed_on_unchanged(
    gateway: Gateway, alpha: Simulator, beta: Simulator, model: str
) -> None:
    alpha.fault("status", code=400)
    asked = beta.requests()
    answer = gateway.chat(model)
    assert answer.status == 400
    assert answer.json()["error"]["message"] == "simulated status 400"
    assert beta.requests() == asked, "another target would say the same"


def test_all_targets_failing_is_a_503_with_retry_after(
    gateway: Gateway, alpha: Simulator, beta: Simulator, model: str
) -> None:
    alpha.fault("status", code=500)
    beta.fault("status", code=500)
    asked = alpha.requests() + beta.requests()
    answer = gateway.chat(model)
    assert answer.status == 503
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["error"]["code"] == "all_targets_failed"
    assert alpha.requests() + beta.requests() - asked <= 3


def test_five_consecutive_failures_open_the_breaker_and_recovery_closes_it(
    gateway: Gateway, alpha: Simulator, model: str
) -> None:
    labels = f'{{model="{model.replace("model", "sim")}",provider="alpha"}}'
    breaker, openings = (
        f"seawall_{name}{labels}" for name in ("breaker_state", "breaker_openings_total")
    )
    told = gateway.health("/metrics").body.decode()
    assert f"{openings} 0.0" in told, "a series that begins with its first opening hides that one"
    alpha.fault("html_200")
    for _ in range(5):
        assert gateway.chat(model).status == 200
    assert gateway.metric(breaker) == 2
    assert gateway.metric(openings) == 1
    asked = alpha.requests()
    assert gateway.chat(model).status == 200
    assert alpha.requests() == asked, "an open breaker keeps requests away"
    alpha.heal()
    began = time.monotonic()
    wait_until(
        lambda: gateway.chat(model).headers["x-seawall-provider"] == "alpha",
        deadline_s=30,
        what="traffic to return to the recovered provider",
    )
    assert gateway.metric(breaker) == 0
    assert time.monotonic() - began < 10


def test_broken_streams_open_the_breaker(gateway: Gateway, alpha: Simulator, model: str) -> None:
    alpha.fault("cut_mid_stream", after=2)
    for _ in range(5):
        gateway.chat(model, stream=True)
    assert gateway.chat(model, stream=True).headers["x-seawall-provider"] == "beta"


def test_recovered_provider_answers_at_once_when_every_breaker_is_open(
    gateway: Gateway, alpha: Simulator, beta: Simulator, model: str
) -> None:
    alpha.fault("html_200")
    beta.fault("html_200")
    for _ in range(5):
        assert gateway.chat(model).status == 503
    alpha.heal()
    beta.heal()
    assert gateway.chat(model).status == 200, "nobody else can answer: trying costs nothing"


@pytest.mark.parametrize("stream", [False, True])
def test_provider_with_an_open_breaker_is_probed_when_the_others_fail(
    gateway: Gateway, alpha: Simulator, beta: Simulator, model: str, *, stream: bool
) -> None:
    alpha.fault("html_200")
    for _ in range(5):
        gateway.chat(model)
    asked = alpha.requests()
    alpha.heal()
    beta.fault("html_200")
    answer = gateway.chat(model, stream=stream)
    assert answer.status == 200
    assert answer.headers["x-seawall-provider"] == "alpha"
    assert alpha.requests() == asked + 1


def test_concurrent_requests_all_reach_the_recovered_target_when_the_other_fails(
    gateway: Gateway, alpha: Simulator, beta: Simulator, model: str
) -> None:
    """One of the requests probes the target; the others must not fail meanwhile."""
    alpha.fault("html_200")
    for _ in range(5):
        gateway.chat(model)
    alpha.fault("slow_first_token", seconds=0.15)
    beta.fault("html_200")
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(gateway.chat, model, stream=True) for _ in range(8)]
        found = [one.result() for one in asked]
    assert [one.headers.get("x-seawall-provider") for one in found] == ["alpha"] * 8


def test_requests_wait_for_the_probe_when_the_other_target_just_failed(
    gateway: Gateway, alpha: Simulator, beta: Simulator, model: str
) -> None:
    alpha.fault("html_200")
    for _ in range(5):
        gateway.chat(model)
    beta_state = f'seawall_breaker_state{{model="{model.replace("model", "sim")}",provider="beta"}}'
    alpha.fault("slow_first_token", seconds=0.2)
    beta.fault("html_200")
    with ThreadPoolExecutor(10) as clients:
        first = [clients.submit(gateway.chat, model, stream=True) for _ in range(5)]
        wait_until(
            lambda: gateway.metric(beta_state) == 2,
            deadline_s=3,
            what="the other's breaker to open",
            interval_s=0.01,
        )
        late = [clients.submit(gateway.chat, model, stream=True) for _ in range(5)]
        found = [one.result() for one in (*first, *late)]
    assert [one.headers.get("x-seawall-provider") for one in found] == ["alpha"] * 10


def test_targets_with_open_breakers_do_not_use_up_the_retry_of_a_healthy_one(
    tmp_path: Path, alpha: Simulator, beta: Simulator
) -> None:
    gamma = Simulator("gamma", tmp_path)
    gateway = Gateway(tmp_path, (alpha, beta, gamma), models=1)
    try:
        for simulator in (alpha, beta, gamma):
            simulator.fault("html_200")
        wait_until(
            lambda: (
                gateway.chat("model-0").status == 503
                and all(gateway.metric(breaker(name)) == 2 for name in ("beta", "gamma"))
            ),
            deadline_s=20,
            what="the breakers of two providers to open",
        )
        alpha.heal()
        wait_until(
            lambda: gateway.chat("model-0").status == 200,
            deadline_s=20,
            what="the third to be found well",
        )
        alpha.fault("status", code=500, times=1)
        answer = gateway.chat("model-0")
        assert answer.status == 200
        assert answer.headers["x-seawall-provider"] == "alpha"
    finally:
        gateway.stop()
        gamma.stop()


def breaker(provider: str) -> str:
    """The prefix of the breaker's metric line for the only model."""
    return f'seawall_breaker_state{{model="sim-0",provider="{provider}"}}'


def test_untranslatable_request_releases_its_probe(folder: Path, alpha: Simulator) -> None:
    provider = {alpha.name: provider_of(alpha, "anthropic")}
    gateway = Gateway(folder, [alpha], providers=provider)
    state = f'seawall_breaker_state{{model="sim-0",provider="{alpha.name}"}}'
    try:
        alpha.fault("status", code=500)
        wait_until(
            lambda: gateway.chat().status == 503 and gateway.metric(state) == 2,
            deadline_s=10,
            what="the breaker to open",
        )
        asked = alpha.requests()
        wait_until(
            lambda: gateway.chat(functions=[{"name": "f"}]).status == 400,
            deadline_s=5,
            what="the request to come to be encoded: four early probes in a second",
        )
        assert alpha.requests() == asked
        alpha.heal()
        wait_until(
            lambda: gateway.chat().status == 200, deadline_s=5, what="the probe of another request"
        )
    finally:
        gateway.stop()
