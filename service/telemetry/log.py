"""Logs as JSON, one object per line, on standard output; redacted, and never a prompt.

Requests have their own writer, because they are many: one line of at most 1 KB each.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

import msgspec

__all__ = ["RequestLine", "RequestLog", "configure_logging", "redact"]

MAX_LINE_BYTES = 1024
_encode = msgspec.json.Encoder().encode

_SECRETS = re.compile(
    r"(?i)(bearer\s+|basic\s+|(?:password|passwd|secret|token|api[_-]?key)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"',;]+"
    r"|\b(?:sk|pk|rk|hvs|ghp|xox[abp])[-_.][A-Za-z0-9._-]{8,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def redact(text: str) -> str:
    """Replace what looks like a credential: tokens, passwords, user info of URLs."""
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
            # Formatted here, so that the secret is gone before any handler sees it.
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
    # uvicorn's "Started server process" and the like say nothing that an operator needs.
    for noisy in ("uvicorn", "uvicorn.error", "aiohttp", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class RequestLine(msgspec.Struct, omit_defaults=True):
    """What one request leaves in the log. Every field is bounded; none is content."""

    time: str
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


class RequestLog:
    """Writes request lines."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def write(self, line: RequestLine) -> None:
        """Write one line; what would not fit in 1 KB is cut from the error."""
        data = _encode(line)
        if len(data) >= MAX_LINE_BYTES:
            line.error = ""
            line.model = line.model[:32]
            data = _encode(line)
        self._stream.write(data.decode() + "\n")
        self._stream.flush()
