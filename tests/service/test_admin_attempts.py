"""Requests to /admin/keys are counted, logged and rate limited like any other request."""

import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import API_KEY, Answer, Gateway, Simulator, http_request, key_entry

pytestmark = [pytest.mark.servers]

USER_KEY = "sk-test-of-a-user"
WRONG_KEY = "sk-a-guess-of-a-stranger"
AT_ONCE = 10
"""The burst of failed attempts; after that one a second is admitted."""
ADMITTED = 501
"""The status for an admitted admin: 501, because this gateway has no Redis for runtime keys."""


@pytest.fixture
def alone(folder: Path, alpha: Simulator) -> Generator[Gateway]:
    gateway = Gateway(
        folder,
        [alpha],
        keys=[key_entry(admin=True), key_entry(USER_KEY, id="user")],
        admission={"max_in_flight": 1, "queue": 0, "deadline": "2s"},
        timeouts={"headers": "60s", "answer": "60s"},
    )
    yield gateway
    gateway.stop()


def ask(gateway: Gateway, key: str = API_KEY, method: str = "GET") -> Answer:
    url = gateway.url.removesuffix("/v1") + "/admin/keys"
    headers = {"authorization": f"Bearer {key}", "x-request-id": f"of-{method}"}
    return http_request(method, url, b"{}" if method == "POST" else None, headers)


def counted(gateway: Gateway, status: int) -> float:
    return gateway.metric(f'seawall_requests_total{{route="admin_keys",status="{status}"}}')


def lines(gateway: Gateway, number: int) -> list[Any]:
    """Wait for this many log lines; the last one is written after its client has the answer."""

    def found() -> list[Any]:
        every = [json.loads(line) for line in gateway.output.splitlines()]
        return [line for line in every if line.get("route") == "admin_keys"]

    wait_until(lambda: len(found()) >= number, deadline_s=5, what=f"{number} lines in the log")
    return found()


def test_failed_admin_attempts_are_counted_logged_and_rate_limited_without_lockout(
    alone: Gateway,
) -> None:
    refused = ask(alone, USER_KEY, "POST")
    assert (refused.status, refused.headers["cache-control"]) == (403, "no-store")
    (line,) = lines(alone, 1)
    assert (line["key"], line["status"], line["request_id"]) == ("user", 403, "of-POST")
    assert "admin: true" in line["error"]

    answers = [ask(alone, WRONG_KEY) for _ in range(AT_ONCE + 5)]
    statuses = [answer.status for answer in answers]
    # One or two more than the burst, because time passes.
    assert AT_ONCE - 1 <= statuses.count(401) <= AT_ONCE + 2, statuses
    assert set(statuses) == {401, 429}
    last = answers[-1]
    assert (last.status, last.headers["retry-after"], last.headers["connection"]) == (
        429,
        "1",
        "close",
    )
    assert last.json()["error"]["code"] == "rate_limit_exceeded"
    assert ask(alone).status == ADMITTED, "whoever has the key is not locked out by the others"
    assert len(lines(alone, len(answers) + 2)) == len(answers) + 2
    assert counted(alone, 401) == statuses.count(401)
    assert counted(alone, 429) == statuses.count(429)
    assert (counted(alone, 403), counted(alone, ADMITTED)) == (1, 1)
    assert alone.metric("seawall_rate_limited_total") == statuses.count(429)
    assert all(secret not in alone.output for secret in (WRONG_KEY, API_KEY, USER_KEY))

    wait_until(
        lambda: ask(alone, WRONG_KEY).status == 401, deadline_s=5, what="the next attempt to be due"
    )


def test_admin_requests_are_admitted_while_the_gateway_is_full(
    alone: Gateway, alpha: Simulator
) -> None:
    alpha.fault("hang")
    asked = alpha.requests()
    inside = threading.Thread(target=alone.chat)
    inside.start()
    wait_until(lambda: alpha.requests() > asked, deadline_s=5, what="the only place to be taken")
    assert alone.chat().status == 503, "there is room for one"
    assert ask(alone).status == ADMITTED
    inside.join()


def test_admin_key_is_limited_to_its_configured_rate(folder: Path, alpha: Simulator) -> None:
    slow = key_entry(admin=True, requests_per_second=0.01, burst=1)
    gateway = Gateway(folder, [alpha], keys=[slow])
    try:
        assert [ask(gateway).status for _ in range(2)] == [ADMITTED, 429]
    finally:
        gateway.stop()
