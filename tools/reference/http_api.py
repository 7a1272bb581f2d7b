"""docs/reference/http-api.md: the paths and the headers of the gateway."""

from contract import headers, paths
from service.http.routes.api import ROUTES
from tools.reference.markdown import GENERATED, cell, documented_constants, table

__all__ = ["http_api"]

_HEAD = """# HTTP API of the gateway
{generated}
Clients use the base URL `http://<gateway>/v1` with an OpenAI SDK, and `http://<gateway>` with an
Anthropic SDK. The API key is in `Authorization: Bearer`, or in `x-api-key`.
"""
_ROUTES = {
    "chat_completions": (
        "POST",
        "/v1/chat/completions",
        "OpenAI's chat completions, plain or streamed",
    ),
    "messages": ("POST", "/v1/messages", "Anthropic's messages, plain or streamed"),
    "models": ("GET", "/v1/models, /v1/models/{name}", "The models of the configuration"),
    "health": ("GET", paths.HEALTH_DETAIL, "The state of providers, Redis and limits, for clients"),
}
_ADMIN = (
    ("GET", paths.ADMIN_KEYS, "Lists the API keys without their secrets"),
    ("POST", paths.ADMIN_KEYS, "Creates a runtime key"),
    ("DELETE", f"{paths.ADMIN_KEYS}/{{id}}", "Deletes a runtime key"),
)
_PROBES = (
    ("GET", paths.HEALTH_LIVE, "200 while the event loop works"),
    ("GET", paths.HEALTH_READY, "200 while the pod takes new requests"),
    ("GET", paths.HEALTH_STARTUP, "200 once the pod has started"),
    ("GET", paths.METRICS, "[Metrics](metrics.md) for Prometheus"),
    ("GET", paths.UI, "The web page, for API keys with `admin: true`"),
)
_STANDARD = {
    "retry-after": "Seconds until the next try, 1 to 60, on refusals that pass.",
    "retry-after-ms": "The same in milliseconds, for SDKs that read it.",
    "x-ratelimit-limit-requests, -tokens": "The most that the API key may use at once.",
    "x-ratelimit-remaining-requests, -tokens": "What is left of it now.",
    "x-ratelimit-reset-requests, -tokens": "The time until all of it is there again.",
    "request-id": "The request ID for Anthropic's SDKs, on answers to `/v1/messages`.",
    "cache-control": "In a request, `no-cache` refuses a stored answer.",
}


def http_api() -> str:
    """The page.

    Raises:
        KeyError: a route of the gateway has no description here.
    """
    served = [_ROUTES[name] for name in ROUTES]
    own = documented_constants(headers)
    return "\n".join(
        (
            _HEAD.format(generated=GENERATED),
            "## For clients, on port 8080",
            _paths(served),
            "## For API keys with `admin: true`, on port 8080",
            _paths(_ADMIN),
            "## For probes and Prometheus, on port 8081",
            _paths(_PROBES),
            "## Headers",
            table(
                ("header", "meaning"),
                [(f"`{name}`", cell(text)) for name, text in {**own, **_STANDARD}.items()],
            ),
        )
    )


def _paths(rows: list[tuple[str, str, str]] | tuple[tuple[str, str, str], ...]) -> str:
    return table(
        ("method", "path", "meaning"),
        [(method, f"`{path}`", text) for method, path, text in rows],
    )
