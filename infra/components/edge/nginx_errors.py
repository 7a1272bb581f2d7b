"""nginx's own answers when it cannot pass a request on, in OpenAI's error format.

Errors of the gateway pass unchanged. The openai SDK retries after 408, 429 and 5xx, unless it must
wait for longer than a minute.
"""

import json
from dataclasses import dataclass

__all__ = ["error_locations"]

_INVALID, _LIMIT, _SERVER = "invalid_request_error", "rate_limit_error", "server_error"


@dataclass(frozen=True, slots=True)
class _Error:
    status: int
    kind: str
    code: str
    message: str
    retry_after_s: int | None = None
    also: tuple[int, ...] = ()
    """nginx's own status codes for the same error."""


_ERRORS = (
    _Error(
        *(400, _INVALID, "bad_request", "The request is not well-formed HTTP."),
        # TLS: no certificate, a wrong certificate, or plain HTTP to a port with TLS.
        also=(495, 496, 497),
    ),
    _Error(408, _INVALID, "request_timeout", "The request did not arrive in time."),
    _Error(413, _INVALID, "request_too_large", "The request's body is too large."),
    _Error(414, _INVALID, "request_too_large", "The request's URL is too long."),
    _Error(431, _INVALID, "request_too_large", "The request's headers are too large.", also=(494,)),
    _Error(
        *(429, _LIMIT, "rate_limit_exceeded", "Too many requests; slow down."),
        retry_after_s=1,
    ),
    _Error(500, _SERVER, "internal_error", "The edge proxy failed."),
    _Error(
        *(502, _SERVER, "gateway_unreachable", "No gateway could be reached; try again."),
        retry_after_s=1,
        also=(503,),
    ),
    _Error(504, _SERVER, "deadline_exceeded", "The gateway did not answer in time."),
)


def error_locations() -> str:
    """The error_page lines, and the locations that they refer to."""
    return "\n".join(_location(error) for error in _ERRORS)


def _location(error: _Error) -> str:
    name = f"@error_{error.status}"
    body = {"message": error.message, "type": error.kind, "param": None, "code": error.code}
    text = json.dumps({"error": body}).replace("'", "\\'")
    codes = " ".join(str(code) for code in (error.status, *error.also))
    lines = [f"error_page {codes} ={error.status} {name};", f"location {name} {{"]
    lines.append("  add_header x-request-id $id always;")
    if error.retry_after_s is not None:
        lines.append(f"  add_header retry-after {error.retry_after_s} always;")
    lines += [f"  return {error.status} '{text}';", "}"]
    return "\n".join(lines)
