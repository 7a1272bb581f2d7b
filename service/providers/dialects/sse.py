"""Splits a stream into server-sent events without changing a byte."""

import re

from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

__all__ = ["EventSplitter", "payload_of"]

MAX_EVENT_BYTES = 16 << 20
"""An event is buffered until it is complete; the bound protects memory from an endless event."""

_BOUNDARY = re.compile(rb"\r?\n\r?\n|\r\r")
_DATA = b"data:"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""May precede the first event: https://html.spec.whatwg.org/multipage/server-sent-events.html."""


def payload_of(raw: bytes) -> bytes | None:
    """The event's data; None for comments and events without data."""
    if raw.startswith(_DATA) and raw.count(b"\n") <= 2:  # noqa: PLR2004 - one line and its blank one
        return raw[len(_DATA) :].strip()
    every = raw.removeprefix(_BYTE_ORDER_MARK).splitlines()
    lines = [line[len(_DATA) :] for line in every if line.startswith(_DATA)]
    return b"\n".join(lines).strip() if lines else None


class EventSplitter:
    """Collects bytes until an event is complete."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes | None]]:
        """Return the events that are complete now, each as (raw bytes, data).

        Raises:
            UpstreamFailure: one event is larger than 16 MiB.
        """
        rest = self._rest
        # The old bytes contain no whole boundary, but may end with the first three bytes of one.
        known = max(0, len(rest) - 3)
        rest += data
        events: list[tuple[bytes, bytes | None]] = []
        start = 0
        for end in [boundary.end() for boundary in _BOUNDARY.finditer(rest, known)]:
            raw = bytes(rest[start:end])
            events.append((raw, payload_of(raw)))
            start = end
        del rest[:start]
        if len(rest) > MAX_EVENT_BYTES:
            raise UpstreamFailure(Symptom.MALFORMED, f"an event above {MAX_EVENT_BYTES} bytes")
        return events

    def last(self) -> list[tuple[bytes, bytes | None]]:
        """The last event, when the stream ended without a blank line after it."""
        return self.feed(b"\n\n") if self._rest.strip() else []
