"""Draining without a lost request: real processes, real signals, keep-alive clients.

The gateway that drains under load is started by `python -m service`, as in a container; the others
are forked, see the kit.
"""

import signal
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.service.endpoints import Endpoints
from tests.service.kit import Answer, Gateway, Simulator, patient_load

pytestmark = [pytest.mark.servers]

SHUTDOWN = {"serve": "1s", "grace": "8s"}


@pytest.fixture
def leaving(
    request: pytest.FixtureRequest, folder: Path, alpha: Simulator, beta: Simulator
) -> Generator[Gateway]:
    gateway = Gateway(
        folder,
        [alpha, beta],
        fresh=getattr(request, "param", None) == "fresh",
        shutdown=SHUTDOWN,
        timeouts={"gap": "60s", "first_content": "60s"},
    )
    yield gateway
    gateway.stop()


@pytest.mark.parametrize("leaving", ["fresh"], indirect=True)
def test_no_request_fails_when_a_replica_drains_under_load(
    folder: Path, leaving: Gateway, gateway: Gateway
) -> None:
    del folder
    with (
        Endpoints([leaving, gateway]) as endpoints,
        patient_load(endpoints.url, rate=60) as load,
    ):
        wait_until(lambda: load.answered > 60, deadline_s=10, what="answers before the signal")
        leaving.signal(signal.SIGTERM)
        wait_until(
            lambda: leaving.health("/health/ready").status == 503,
            deadline_s=1,
            what="readiness to turn",
        )
        assert leaving.wait_for_exit(20) == 0
        after = load.answered
        wait_until(lambda: load.answered > after + 30, deadline_s=10, what="answers afterwards")
    assert load.report.failed == 0, load.report.summary() + str(load.report.failures[:3])


def test_draining_replica_keeps_serving_and_sends_connection_close(leaving: Gateway) -> None:
    assert "connection" not in leaving.chat().headers
    leaving.signal(signal.SIGTERM)
    wait_until(
        lambda: leaving.health("/health/ready").status == 503, deadline_s=1, what="not ready"
    )
    answer = leaving.chat()
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert leaving.health("/health/live").status == 200
    assert leaving.wait_for_exit(10) == 0


def stream_across_sigterm(leaving: Gateway, alpha: Simulator) -> Answer:
    """The answer to a request that is upstream when the gateway receives SIGTERM."""
    found: list[Answer] = []
    asked = alpha.requests()
    asking = threading.Thread(target=lambda: found.append(leaving.chat(stream=True)))
    asking.start()
    wait_until(lambda: alpha.requests() > asked, deadline_s=5, what="the request to be upstream")
    leaving.signal(signal.SIGTERM)
    asking.join()
    return found[0]


def test_request_in_flight_finishes_after_the_port_is_closed(
    leaving: Gateway, alpha: Simulator
) -> None:
    alpha.fault("slow_first_token", seconds=2.5, times=1)
    answer = stream_across_sigterm(leaving, alpha)
    assert answer.events()[-1] == "[DONE]"
    assert leaving.wait_for_exit(10) == 0


def test_stream_longer_than_the_grace_period_ends_with_an_error_event(
    leaving: Gateway, alpha: Simulator
) -> None:
    alpha.fault("stall_mid_stream", after=3, times=1)
    answer = stream_across_sigterm(leaving, alpha)
    assert "shutting_down" in answer.events()[-1]
    assert "[DONE]" not in answer.events()
    assert leaving.wait_for_exit(10) == 0
