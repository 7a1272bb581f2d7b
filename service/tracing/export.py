"""Exports spans in batches, in a separate thread, to a collector over OTLP/HTTP.

The queue is bounded: when it is full, its oldest spans are dropped, so that no request ever waits.
When the collector stops answering, one line is logged, and another one when it answers again.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from service.errors import SettingsError
from service.files import SecretFile
from service.settings import TracingSettings
from service.tracing.spans import RequestSpans

__all__ = ["Tracing", "headers_in"]

_log = logging.getLogger("seawall.tracing")

QUEUE = 4096
"""Spans in the queue: two seconds of a thousand requests a second with one attempt each; 8 MB."""
BATCH = 512
EVERY_MS = 1000
EXPORT_S = 3.0
"""Seconds for one batch with its retries; a collector normally takes milliseconds."""
FLUSH_S = 2.0
"""Seconds for the queued spans at shutdown; this fits into the grace period besides the drain."""
_PATH = "/v1/traces"
"""https://opentelemetry.io/docs/specs/otlp/#otlphttp-request"""


class Tracing:
    """Makes the spans of requests, and exports those that are sampled."""

    def __init__(self, settings: TracingSettings, secrets_dir: Path) -> None:
        """Start the thread; nothing is sent before the first span."""
        # The SDK logs each failed try and each dropped span; `_Exporter` logs what matters.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._processor = BatchSpanProcessor(
            _Exporter(settings, secrets_dir),
            max_queue_size=QUEUE,
            max_export_batch_size=BATCH,
            schedule_delay_millis=EVERY_MS,
        )
        provider = TracerProvider(
            # A client's sampled trace is always recorded; the ratio is for requests without one.
            sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
            resource=Resource(
                {"service.name": "seawall-gateway", "service.instance.id": socket.gethostname()}
            ),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("seawall")

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> RequestSpans:
        """Begin the spans of a request; its headers may contain a parent."""
        return RequestSpans(self._tracer, headers)

    async def close(self) -> None:
        """Send the queued spans, for two seconds at most."""
        # A daemon thread, because a collector that hangs must not delay the exit.
        last = Thread(target=self._processor.shutdown, name="last traces", daemon=True)
        last.start()
        await asyncio.to_thread(last.join, FLUSH_S)


class _Exporter(SpanExporter):
    """The OTLP exporter with headers from a file that may change, and with fewer log lines."""

    def __init__(self, settings: TracingSettings, secrets_dir: Path) -> None:
        file = settings.headers_file
        self._file = None if file is None else SecretFile(secrets_dir / file)
        self._endpoint = settings.endpoint
        self._session = requests.Session()
        # As with providers, addresses come from the settings and not from the environment.
        self._session.trust_env = False
        self._exporter = OTLPSpanExporter(
            endpoint=settings.endpoint.rstrip("/") + _PATH,
            timeout=EXPORT_S,
            session=self._session,
        )
        self._failing = False
        self._carried: set[str] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, or drop it; called by the processor's thread."""
        reason = "it does not answer, or it refuses them"
        try:
            if self._file is not None:
                self._carry(headers_in(self._file))
            result = self._exporter.export(spans)
        except SettingsError as error:
            result, reason = SpanExportResult.FAILURE, str(error)
        failing = result is not SpanExportResult.SUCCESS
        if failing != self._failing:
            self._failing = failing
            if failing:
                _log.warning("traces are dropped, %s accepts none: %s", self._endpoint, reason)
            else:
                _log.info("traces reach %s again", self._endpoint)
        return result

    def _carry(self, headers: dict[str, str]) -> None:
        for gone in self._carried - headers.keys():
            del self._session.headers[gone]
        self._carried = set(headers)
        self._session.headers.update(headers)

    def shutdown(self) -> None:
        """Stop the exporter, and drop a batch that is being sent."""
        self._exporter.shutdown()


def headers_in(file: SecretFile) -> dict[str, str]:
    """The headers in a file, one `name: value` per line.

    Raises:
        SettingsError: the file cannot be read, or a line is not a header. The message contains no
            line of the file.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(file.value().splitlines(), start=1):
        name, colon, value = line.partition(":")
        if not colon or not line.isascii() or not line.isprintable():
            raise SettingsError(f"{file!r}: line {number} is not 'name: value'")
        found[name.strip()] = value.strip()
    return found
