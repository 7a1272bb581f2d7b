"""How one gateway process admits requests, degrades, traces and shuts down."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.values.durations import Between, Duration
from contract.values.scalars import Url
from contract.values.strict import Strict

__all__ = ["CUT_BEFORE_GRACE", "Admission", "Degradation", "Shutdown", "Tracing"]

CUT_BEFORE_GRACE = Duration.parse("5s")
"""Streams that are still open this long before the grace period ends get an error event."""


class Admission(Strict):
    """What one gateway process accepts at once."""

    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Maximum number of requests that one gateway process works on at once. Further requests wait
    in the queue."""
    queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    """Maximum number of requests that wait in the queue of one gateway process. When the queue is
    full, a request is refused with 503 and Retry-After."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 32 << 20
    """Maximum size of one request's body, in bytes. A larger request is refused with 413."""
    max_buffered_bytes: Annotated[int, Field(ge=1024, le=1 << 34)] = 128 << 20
    """Maximum size of all request bodies that one gateway process holds at once, in bytes. Above
    it, requests are refused with 503 and Retry-After. The bodies and the process itself must fit
    into the memory limit together."""
    deadline: Annotated[Duration, Between("1ms", "1h")] = Duration.parse("10m")
    """Maximum duration of a request, including all attempts at providers."""
    adaptive: bool = False
    """Whether each pod reduces the rates of API keys while many requests fail. After every 100
    requests with more than 10 % failures, it multiplies the rates by 0.8, down to a tenth of the
    configured rates. With less than 1 % failures, it raises them again."""


class Degradation(Strict):
    """What clients receive, marked as degraded, when no target and no fallback answers."""

    stale_answers: Annotated[Duration, Between("0s", "24h")] = Duration.parse("24h")
    """Maximum age of a stored answer that the gateway repeats for an identical request of the same
    tenant when no target answers. `0s` disables this. Each process stores answers in its memory,
    and only answers without tools."""
    stale_bytes: Annotated[int, Field(ge=1024, le=1 << 34)] = 16 << 20
    """Maximum size of all stored answers of one gateway process, in bytes. They are part of its
    memory."""


class Shutdown(Strict):
    """How a gateway process shuts down. Both times are counted from SIGTERM."""

    serve: Annotated[Duration, Between("0s", "10m")] = Duration.parse("5s")
    """Time after SIGTERM in which the pod still accepts new requests."""
    grace: Annotated[Duration, Between("1s", "1h", whole=True)] = Duration.parse("2m")
    """Time after SIGTERM in which open requests may finish. It must be more than `serve` + 5s."""

    @model_validator(mode="after")
    def _grace_leaves_time_to_finish(self) -> Self:
        least = self.serve.seconds + CUT_BEFORE_GRACE.seconds
        if self.grace.seconds <= least:
            raise ValueError(
                f"grace = {self.grace} must be more than serve + {CUT_BEFORE_GRACE} = {least:g}s"
            )
        return self


class Tracing(Strict):
    """OpenTelemetry traces over OTLP/HTTP. Traces never contain a prompt or an answer."""

    endpoint: Url
    """Base URL of the collector, such as `http://collector.observability:4318`. The gateway appends
    /v1/traces. With https, a public authority must have signed the collector's certificate."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of requests that are traced, among the requests that bring no trace. A request that
    brings a trace follows the sampling decision in it."""
