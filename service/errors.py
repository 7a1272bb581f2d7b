"""The errors of the gateway as one tree; each leaf has one cause.

    SeawallError
    ├── SettingsError            a settings or key file is wrong
    ├── StateUnavailable         the shared store did not answer in time
    └── GatewayError             an answer to the client, in OpenAI's error shape
        ├── InvalidRequest 400   ├── Unauthorized 401     ├── Forbidden 403
        ├── ModelNotFound 404    ├── KeyNotFound 404      ├── KeysUnavailable 503
        ├── NotServed 404/405    ├── SlowRequest 408      ├── BodyTooLarge 413
        ├── RateLimited 429      ├── BudgetExceeded 429   ├── InternalFault 500
        ├── Overloaded 503       ├── LimitsUnavailable 503
        ├── AllTargetsFailed 503 (ProvidersRateLimited 429)
        ├── ShuttingDown 503     ├── DeadlineExceeded 504
        ├── StreamBroken 502     (always in-band, after status 200)
        └── PassedOn             a provider's refusal, already in the client's format

`service.providers.failures` has the failures of providers; they never reach a client as such.
"""

import math
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from contract.headers import SHOULD_RETRY

__all__ = [
    "AllTargetsFailed",
    "BodyTooLarge",
    "BudgetExceeded",
    "DeadlineExceeded",
    "Forbidden",
    "GatewayError",
    "InternalFault",
    "InvalidRequest",
    "KeyNotFound",
    "KeysUnavailable",
    "LimitsUnavailable",
    "ModelNotFound",
    "NotServed",
    "Overloaded",
    "PassedOn",
    "ProvidersRateLimited",
    "RateLimited",
    "SeawallError",
    "SettingsError",
    "ShuttingDown",
    "SlowRequest",
    "StateUnavailable",
    "StreamBroken",
    "Unauthorized",
]

MAX_RETRY_AFTER_S = 60
"""openai's SDK does not retry at all above 120 s; 60 leaves a margin."""


class SeawallError(Exception):
    """The base of every error that this package raises on purpose."""


class SettingsError(SeawallError):
    """A settings or key file is wrong; the message names the key, the value and what is allowed."""


class StateUnavailable(SeawallError):  # noqa: N818 - a condition of the store, not a bug
    """The shared store did not answer; `kind` is timeout, connection or other."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class GatewayError(SeawallError):
    """An answer in OpenAI's error shape; `retry_after_s` becomes the Retry-After header."""

    status: int = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    def body(self) -> bytes:
        """The JSON body: {"error": {message, type, param, code}}."""
        return msgspec.json.encode(
            {
                "error": {
                    "message": self.message,
                    "type": self.type,
                    "param": self.param,
                    "code": self.code,
                }
            }
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the answer; Retry-After in whole seconds, 1 to 60."""
        headers = [(b"content-type", b"application/json")]
        if self.retry_after_s is not None:
            seconds = math.ceil(min(max(1.0, self.retry_after_s), MAX_RETRY_AFTER_S))
            headers.append((b"retry-after", str(seconds).encode()))
        return headers


class InvalidRequest(GatewayError):  # noqa: N818 - named as the answer it gives
    """The request does not follow the API."""

    status = 400
    type = "invalid_request_error"


class Unauthorized(GatewayError):  # noqa: N818
    """The request has no API key, or an unknown one."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class Forbidden(GatewayError):  # noqa: N818
    """The key is valid, but it may not do this."""

    status = 403
    type = "invalid_request_error"
    code = "admin_key_needed"


class KeyNotFound(GatewayError):  # noqa: N818
    """No runtime key has this id."""

    status = 404
    type = "invalid_request_error"
    code = "key_not_found"


class KeysUnavailable(GatewayError):  # noqa: N818
    """Runtime keys cannot be read, or not be changed safely, now."""

    status = 503
    code = "keys_unavailable"


class ModelNotFound(GatewayError):  # noqa: N818
    """The model is not configured; the message lists those that are."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"

    def __init__(self, model: str, known: Sequence[str]) -> None:
        shown = model if len(model) <= 64 else model[:64] + "..."  # noqa: PLR2004 - an echo, bounded
        super().__init__(
            f"The model '{shown}' does not exist here. Known: {', '.join(known)}.", param="model"
        )


class PassedOn(GatewayError):  # noqa: N818
    """A provider refused the request, and no other could answer; the client gets its error body.

    The message is for the log, and holds nothing of that body.
    """

    type = "invalid_request_error"
    code = "refused_by_provider"

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"A provider refused the request with status {status}.")
        self.status = status
        self._body = body

    def body(self) -> bytes:
        """The provider's error body."""
        return self._body


class NotServed(GatewayError):  # noqa: N818
    """The path is unknown, or it does not support the method; the router gives the status."""

    type = "invalid_request_error"
    code = "unknown_url"

    def __init__(self, status: int, message: str, *, allow: str = "") -> None:
        super().__init__(message)
        self.status = status
        self._allow = allow

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The usual headers, and Allow with the supported methods when the path is known."""
        headers = super().headers()
        if self._allow:
            headers.append((b"allow", self._allow.encode()))
        return headers

    def pairs(self) -> list[tuple[str, str]]:
        """The headers as text, for the framework's response."""
        return [(name.decode(), value.decode()) for name, value in self.headers()]


class SlowRequest(GatewayError):  # noqa: N818
    """The client did not send its body in time."""

    status = 408
    type = "invalid_request_error"
    code = "request_timeout"


class BodyTooLarge(GatewayError):  # noqa: N818
    """The body is larger than admission.max_body_bytes."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.")


class RateLimited(GatewayError):  # noqa: N818
    """The key's rate is used up."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BudgetExceeded(GatewayError):  # noqa: N818
    """The key's budget is used up; SDKs must not retry."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The usual headers, and one that tells SDKs not to retry."""
        return [*super().headers(), (SHOULD_RETRY.encode(), b"false")]


class InternalFault(GatewayError):  # noqa: N818
    """A bug of the gateway; the log has the details under the request id."""


class Overloaded(GatewayError):  # noqa: N818
    """Too many requests are in flight, and the queue is full."""

    status = 503
    code = "overloaded"


class LimitsUnavailable(GatewayError):  # noqa: N818
    """The shared limits are unavailable, and this key is configured to be refused then."""

    status = 503
    code = "limits_unavailable"


class AllTargetsFailed(GatewayError):  # noqa: N818
    """No provider could answer."""

    status = 503
    code = "all_targets_failed"


class ProvidersRateLimited(AllTargetsFailed):
    """Every provider that could be reached is rate limited now."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class ShuttingDown(GatewayError):  # noqa: N818
    """This replica is shutting down and cannot finish the answer."""

    status = 503
    code = "shutting_down"


class DeadlineExceeded(GatewayError):  # noqa: N818
    """The total deadline of the request passed."""

    status = 504
    code = "deadline_exceeded"


class StreamBroken(GatewayError):  # noqa: N818
    """A stream ended before its finish_reason, after it had begun."""

    status = 502
    code = "stream_broken"
