"""Timeouts of requests to providers."""

from typing import Annotated

from contract.values.durations import Between, Duration
from contract.values.strict import Strict

__all__ = ["ModelTimeouts", "Timeouts"]

_Timeout = Annotated[Duration, Between("1ms", "1h")]


class Timeouts(Strict):
    """Upstream timeouts, each for one attempt."""

    connect: _Timeout = Duration.parse("2s")
    """Maximum time to connect to a provider. It is also how long, but at least 1s, a provider's
    machine may leave sent data unacknowledged before the connection is closed. This detects a
    machine without power."""
    headers: _Timeout = Duration.parse("10s")
    """Maximum time until the headers of a streamed answer arrive."""
    first_content: _Timeout = Duration.parse("30s")
    """Maximum time between the headers and the first content of a streamed answer."""
    gap: _Timeout = Duration.parse("30s")
    """Maximum time between two parts of a streamed answer."""
    quiet: _Timeout = Duration.parse("15s")
    """Silence in a streamed answer after which the gateway sends comments to keep it alive. Before
    the first content, a comment commits the status of the answer, so later failures are reported
    inside the stream."""
    answer: _Timeout = Duration.parse("5m")
    """Maximum time for an answer that is not streamed. Its headers arrive only when it is
    complete."""


class ModelTimeouts(Strict):
    """Timeouts that differ from gateway.timeouts for one model.

    Reasoning models are silent for longer.
    """

    headers: _Timeout | None = None
    """Maximum time until the headers of a streamed answer of this model arrive. As in
    seawall:gateway.timeouts when not given."""
    first_content: _Timeout | None = None
    """Maximum time between the headers and the first content of a streamed answer of this model. As
    in seawall:gateway.timeouts when not given."""
    gap: _Timeout | None = None
    """Maximum time between two parts of a streamed answer of this model. As in
    seawall:gateway.timeouts when not given."""
    answer: _Timeout | None = None
    """Maximum time for an answer of this model that is not streamed. As in seawall:gateway.timeouts
    when not given."""
