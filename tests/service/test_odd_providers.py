"""Providers that violate the protocol: the client gets an answer or a clear error."""

import json
import math
import threading
import time
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from service.errors import Overloaded
from tests.service.kit import Answer, Gateway, Simulator
from tests.service.scripted_provider import CHOICE, gateway_before, whole

pytestmark = [pytest.mark.servers]

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'


@pytest.mark.parametrize("asked", [b"inf", b"1e999", b"nan", b"-5", b"soon"])
def test_invalid_retry_after_is_ignored(folder: Path, alpha: Simulator, asked: bytes) -> None:
    answer = whole("503 Busy", b"", b"retry-after: " + asked)
    with gateway_before(folder, alpha, answer) as gateway:
        found = gateway.chat()
        assert found.status == 503
        assert found.json()["error"]["code"] == "all_targets_failed"
        assert found.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(math.inf, b"60"), (math.nan, b"1"), (-3, b"1"), (1.2, b"2"), (99, b"60")],
)
def test_retry_after_header_is_bounded_for_any_number(seconds: float, shown: bytes) -> None:
    assert dict(Overloaded("x", retry_after_s=seconds).headers())[b"retry-after"] == shown


@pytest.mark.parametrize(
    "value", [b"application/json; x=\xe9", b"application/json; x=\xe2\x82\xac"]
)
def test_non_ascii_header_does_not_break_the_answer(
    folder: Path, alpha: Simulator, value: bytes
) -> None:
    answer = whole("200 OK", CHOICE, b"content-type: " + value)
    with gateway_before(folder, alpha, answer) as gateway:
        found = gateway.chat()
        assert found.status == 200
        assert found.body == CHOICE
        assert found.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("ending", "gap", "most_s"),
    [(STOP, "300ms", 10), (STOP + USAGE, "20s", 10)],
    ids=["gap", "usage"],
)
def test_stream_without_only_its_end_marker_ends_with_done(
    folder: Path, alpha: Simulator, ending: bytes, gap: str, most_s: float
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    with gateway_before(folder, alpha, head + TEXT + ending, gap=gap) as gateway:
        began = time.monotonic()
        events = gateway.chat(stream=True).events()
        assert events[-1] == "[DONE]"
        assert not any("error" in json.loads(event) for event in events[:-1])
        assert time.monotonic() - began < most_s


def test_third_target_answers_when_the_first_two_fail(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    gamma = Simulator("gamma", folder)
    gateway = Gateway(folder, [alpha, beta, gamma])
    try:
        alpha.fault("status", code=500)
        beta.fault("status", code=500)
        answer = gateway.chat()
        assert answer.status == 200
        assert answer.headers["x-seawall-provider"] == "gamma"
    finally:
        gateway.stop()
        gamma.stop()


def test_long_stream_used_as_a_probe_closes_the_breaker_before_it_ends(
    folder: Path, alpha: Simulator
) -> None:
    gateway = Gateway(folder, [alpha], timeouts={"gap": "4s"})
    found: list[Answer] = []
    probe = threading.Thread(target=lambda: found.append(gateway.chat(stream=True)))
    breaker = 'seawall_breaker_state{model="sim-0",provider="alpha"}'
    try:
        alpha.fault("html_200")
        for _ in range(5):
            assert gateway.chat().status == 503
        assert gateway.metric(breaker) == 2
        alpha.fault("stall_mid_stream", after=4, times=1)
        probe.start()
        wait_until(lambda: gateway.metric(breaker) == 0, deadline_s=3, what="the breaker to close")
        assert gateway.chat().status == 200
        assert not found, "the stream is still open"
    finally:
        probe.join()
        gateway.stop()
    assert "stream_broken" in found[0].events()[-1]
