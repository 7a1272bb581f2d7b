"""docs/reference/errors.md: the error codes that clients receive."""

from collections.abc import Iterator

from service.errors import GatewayError, NotServed, PassedOn, StreamBroken
from tools.reference.markdown import GENERATED, cell, one_line, table

__all__ = ["errors", "leaves"]

_HEAD = """# Error codes of the gateway
{generated}
OpenAI clients receive `{{"error": {{"message", "type", "param", "code"}}}}`. Anthropic clients
receive `{{"type": "error", "error": {{"type", "message"}}}}`. Every answer has the header
`x-request-id`, and the log has a line with it. `Retry-After` is present where a later try can
succeed. `x-should-retry: false` is present where it cannot.

"""
_OTHER_STATUS: dict[type[GatewayError], str] = {
    NotServed: "404 or 405",
    PassedOn: "the provider's",
    StreamBroken: "200, and an event in the stream",
}


def errors() -> str:
    """The page."""
    rows = [
        (
            _OTHER_STATUS.get(error, str(error.status)),
            f"`{error.code}`" if error.code else "none",
            f"`{error.type}`",
            cell(one_line(error.__doc__)),
        )
        for error in sorted(leaves(), key=lambda error: (error.status, error.code or ""))
    ]
    return _HEAD.format(generated=GENERATED) + table(("status", "code", "type", "meaning"), rows)


def leaves(of: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    """The errors that a client can receive."""
    for error in of.__subclasses__():
        yield error
        yield from leaves(error)
