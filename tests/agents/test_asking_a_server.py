"""How the agents ask one Redis or Sentinel."""

import socket
import time

import pytest

from agents.redis.server import Server, ServerError

GOAL_S = 1.1


def test_a_server_that_says_nothing_costs_a_second() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with (
            pytest.raises(ServerError, match="PING: TimeoutError"),
            Server("127.0.0.1", silent.getsockname()[1], None, "x") as server,
        ):
            server.call("PING")
    assert time.monotonic() - begun < 3 * GOAL_S


def test_a_server_that_is_not_there_costs_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    begun = time.monotonic()
    with (
        pytest.raises(ServerError, match="PING: ConnectionError"),
        Server("127.0.0.1", port, None, "x") as server,
    ):
        server.call("PING")
    assert time.monotonic() - begun < GOAL_S
