"""How long the agents wait for one Redis or Sentinel server."""

import socket
import time

import pytest

from agents.redis.server import Server, ServerError

GOAL_S = 1.1


def test_silent_server_times_out_after_one_second() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with (
            pytest.raises(ServerError, match="PING: TimeoutError"),
            Server("127.0.0.1", silent.getsockname()[1], None, "x") as server,
        ):
            server.call("PING")
    assert time.monotonic() - begun < 3 * GOAL_S


def test_refused_connection_fails_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    begun = time.monotonic()
    with (
        pytest.raises(ServerError, match="PING: ConnectionError"),
        Server("127.0.0.1", port, None, "x") as server,
    ):
        server.call("PING")
    assert time.monotonic() - begun < GOAL_S
