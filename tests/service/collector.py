"""A trace collector that receives OTLP over HTTP."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from seawall.common.wait import wait_until

COLLECTED_S = 5
SERVER, CLIENT = Span.SpanKind.SPAN_KIND_SERVER, Span.SpanKind.SPAN_KIND_CLIENT


@dataclass(frozen=True)
class Collected:
    """One span as plain values."""

    name: str
    kind: int
    trace_id: str
    id: str
    parent: str
    failed: bool
    seconds: float
    attributes: Mapping[str, object]


class Collector:
    """A collector on its own port; it keeps all spans and the headers of the last export."""

    def __init__(self) -> None:
        self._spans: list[Collected] = []
        self.services: set[object] = set()
        self.headers: Mapping[str, str] = {}
        self.raw = b""
        self.status = 200
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces":
                    collector.headers = {name.lower(): v for name, v in self.headers.items()}
                    collector.take(body)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {one.key: _plain(one.value) for one in resource.resource.attributes}
            self.services.add(named["service.name"])
            self._spans += [
                _collected(span) for scope in resource.scope_spans for span in scope.spans
            ]

    def spans(self) -> list[Collected]:
        return list(self._spans)

    def trace(self, trace_id: str, spans: int) -> list[Collected]:
        """Wait until the trace has this many spans; return them sorted by kind."""

        def found() -> list[Collected]:
            those = [one for one in self.spans() if one.trace_id == trace_id]
            return those if len(those) >= spans else []

        what = f"{spans} spans of {trace_id}, beside {self._spans}"
        return sorted(
            wait_until(found, deadline_s=COLLECTED_S, what=what), key=lambda one: one.kind
        )


def _collected(span: Span) -> Collected:
    return Collected(
        name=span.name,
        kind=span.kind,
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        failed=span.status.code == 2,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        attributes={one.key: _plain(one.value) for one in span.attributes},
    )


def _plain(value: AnyValue) -> object:
    if value.HasField("array_value"):
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, str(value.WhichOneof("value")))
