"""Logs as JSON on standard output, one object per line, redacted and without prompts.

The many log lines of requests have a separate writer: one line of at most 1 KB each.
"""

import asyncio
import contextlib
import logging
import os
import re
import sys
import time
from datetime import UTC, datetime
from typing import TextIO

import msgspec

__all__ = ["RequestLine", "RequestLog", "configure_logging", "redact"]

MAX_LINE_BYTES = 1024
ATOMIC_BYTES = 4096
"""PIPE_BUF on Linux: a write of this size to a pipe is not interleaved with other writes."""
TOGETHER_S = 0.01
_encode = msgspec.json.Encoder().encode

_SECRETS = re.compile(
    r"(?i)(bearer\s+|basic\s+|(?:password|passwd|secret|token|api[_-]?key)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"',;]+"
    r"|\b(?:sk|pk|rk|hvs|ghp|xox[abp])[-_.][A-Za-z0-9._-]{8,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def redact(text: str) -> str:
    """Replace everything that looks like a credential: tokens, passwords, user info of URLs."""
    return _SECRETS.sub(lambda match: f"{match.group(1) or ''}[redacted]", text)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-4096:]
        return _encode(line).decode()


class _Redaction(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            # It is formatted here, so that no handler sees the secret.
            text = redact(logging.Formatter().formatException(record.exc_info))
            record.msg = f"{record.msg}\n{text[-4096:]}"
            record.exc_info = None
        return True


def configure_logging(stream: TextIO | None = None) -> None:
    """Send every logger of the process through one redacting JSON handler."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_JsonFormatter())
    handler.addFilter(_Redaction())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # Operators do not need uvicorn's "Started server process" and similar lines.
    for noisy in ("uvicorn", "uvicorn.error", "aiohttp", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class RequestLine(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The log line of one request. Every field is bounded; none contains a prompt or an answer."""

    time: str = ""
    """Set when the line is written."""
    request_id: str
    route: str
    status: int
    ms: float
    level: str = "info"
    key: str = ""
    model: str = ""
    provider: str = ""
    attempts: int = 0
    stream: bool = False
    error: str = ""
    bytes_out: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    degraded: str = ""
    trace: str = ""


class RequestLog:
    """Writes the lines of 10 ms in one system call, which costs as much as formatting a line.

    Lines that are not written yet are lost when the process is killed. A regular shutdown calls
    `flush`.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._fd = sys.stdout.fileno() if stream is None else -1
        self._second, self._words = 0, ""
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, line: RequestLine) -> None:
        """Write one line; if it exceeds 1 KB, the error is left out and the model shortened."""
        line.time = self._now()
        data = _encode(line)
        if len(data) >= MAX_LINE_BYTES:
            line.error = ""
            line.model = line.model[:32]
            data = _encode(line)
        if self._stream is not None:
            self._stream.write(data.decode() + "\n")
            self._stream.flush()
            return
        if self._size + len(data) >= ATOMIC_BYTES:
            self.flush()
        if not self._waiting:
            asyncio.get_running_loop().call_later(TOGETHER_S, self.flush)
        self._waiting.append(data)
        self._size += len(data) + 1

    def flush(self) -> None:
        """Write the waiting lines; a reader that has gone must not fail requests."""
        if self._waiting:
            lines = b"\n".join(self._waiting) + b"\n"
            self._waiting.clear()
            self._size = 0
            with contextlib.suppress(OSError):
                os.write(self._fd, lines)

    def _now(self) -> str:
        """The time in UTC with milliseconds; the text of a second is formatted only once."""
        milliseconds = time.time_ns() // 1_000_000
        second, part = divmod(milliseconds, 1000)
        if second != self._second:
            self._second = second
            self._words = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._words}.{part:03d}+00:00"
