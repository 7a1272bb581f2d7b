"""The spans of one request: one server span, and below it a client span for each attempt."""

from collections.abc import Iterable, Mapping

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["Attributes", "RequestSpans"]

Attributes = Mapping[str, str | int | tuple[str, ...]]

_PROPAGATOR = TraceContextTextMapPropagator()
_W3C = (b"traceparent", b"tracestate")
"""https://www.w3.org/TR/trace-context/"""
MAX_HEADER = 512
"""Bytes up to which a header must be forwarded: https://www.w3.org/TR/trace-context/#limits."""


class RequestSpans:
    """The spans of one request. Not thread-safe: for one event loop."""

    def __init__(self, tracer: Tracer, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Begin the server span; `headers` may contain its parent."""
        carrier = {
            name.decode(): value.decode("latin-1")
            for name, value in headers
            if name in _W3C and len(value) <= MAX_HEADER
        }
        parent = _PROPAGATOR.extract(carrier, context=Context())
        self._tracer = tracer
        self._span = tracer.start_span("chat", context=parent, kind=SpanKind.SERVER)
        self._below = set_span_in_context(self._span, Context())
        self._attempt: Span | None = None
        self.headers = _headers_of(self._below)
        """The trace headers of the server span, for the request's log line."""
        self.upstream_headers: Mapping[str, str] = self.headers
        """The trace headers of the current attempt, for its provider."""
        self.outcome = ""
        """How the answer of the current attempt ended; set by the relay stage."""

    @property
    def recorded(self) -> bool:
        """Whether the spans are recorded, so that attributes are needed."""
        return self._span.is_recording()

    def begin_attempt(self, name: str, attributes: Attributes | None) -> None:
        """Begin the span of an attempt; the one before must have ended."""
        span = self._tracer.start_span(
            name, context=self._below, kind=SpanKind.CLIENT, attributes=attributes
        )
        self._attempt = span
        self.outcome = ""
        self.upstream_headers = _headers_of(set_span_in_context(span, Context()))

    def end_attempt(self, outcome: str, attributes: Attributes | None = None) -> None:
        """End the span of the current attempt, if there is one; outcomes except ok are errors."""
        span, self._attempt = self._attempt, None
        if span is None:
            return
        span.set_attribute("seawall.outcome", outcome)
        span.set_attributes(attributes or {})
        if outcome != "ok":
            _fail(span, outcome)
        span.end()

    def end(self, name: str, attributes: Attributes, *, error: str, failed: bool) -> None:
        """End the server span; `failed` unless the client caused the `error`."""
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if failed:
            _fail(self._span, error)
        elif error:
            self._span.set_attribute("error.type", error)
        self._span.end()


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, kind))


def _headers_of(context: Context) -> dict[str, str]:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=context)
    return carrier
