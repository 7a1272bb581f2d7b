"""nginx's own answers when it cannot pass a request on, in OpenAI's error format.

Errors of the gateway pass unchanged. The openai SDK retries after 408, 429 and 5xx, unless it must
wait for longer than a minute.
"""

import json
from dataclasses import dataclass

__all__ = ["ERRORS"]

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

    @property
    def codes(self) -> str:
        """All status codes for the error."""
        return " ".join(str(code) for code in (self.status, *self.also))

    @property
    def body(self) -> str:
        """The answer's body, for a string in single quotes."""
        error = {"message": self.message, "type": self.kind, "param": None, "code": self.code}
        return json.dumps({"error": error}).replace("'", "\\'")


ERRORS = (
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
