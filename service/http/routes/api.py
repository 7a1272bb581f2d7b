"""The API routes. They are plain ASGI endpoints: pydantic parses no request."""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contract import paths
from contract.headers import REQUEST_ID
from service.errors import NotServed
from service.pipeline.client_formats import ANTHROPIC, OPENAI, ClientApi
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.pipeline.order import CHAT, HEALTH, MODELS, TRACED_CHAT, chain
from service.pipeline.request_id import request_id
from service.pipeline.stages.admin_keys import SETTINGS

__all__ = ["ROUTES", "api", "refusal_headers"]

_MODELS_PATH = "/v1/models"


@dataclass(frozen=True, slots=True)
class _Route:
    name: str
    method: str
    client: ClientApi


_CHAT = _Route("chat_completions", "POST", OPENAI)
_MESSAGES = _Route("messages", "POST", ANTHROPIC)
_MODELS = _Route("models", "GET", OPENAI)
_HEALTH = _Route("health", "GET", OPENAI)
_PATHS = {
    "/v1/chat/completions": _CHAT,
    "/v1/messages": _MESSAGES,
    _MODELS_PATH: _MODELS,
    paths.HEALTH_DETAIL: _HEALTH,
}
ROUTES = tuple(route.name for route in _PATHS.values())


def refusal_headers(scope: Scope, error: NotServed) -> dict[str, str]:
    """The headers of a refusal that never enters the pipeline."""
    return {**dict(error.pairs()), REQUEST_ID: request_id(scope)}


async def refuse(scope: Scope, receive: Receive, send: Send, error: NotServed) -> None:
    """Answer a path or method that is not served."""
    response = Response(
        error.body(), status_code=error.status, headers=refusal_headers(scope, error)
    )
    await response(scope, receive, send)


def api(dependencies: Dependencies, otherwise: ASGIApp) -> ASGIApp:
    """Make the dispatcher in front of FastAPI's router; it looks up a few paths as strings."""
    chat = chain(CHAT if dependencies.tracing is None else TRACED_CHAT, dependencies)
    handlers: dict[str, Handler] = {
        _CHAT.name: chat,
        _MESSAGES.name: chat,
        _MODELS.name: chain(MODELS, dependencies),
        _HEALTH.name: chain(HEALTH, dependencies),
    }

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        route = _PATHS.get(path)
        if route is None and path.startswith(_MODELS_PATH + "/"):
            route = _MODELS
        if route is None:
            scope[SETTINGS] = dependencies.settings
            await otherwise(scope, receive, send)
        elif scope["method"] == route.method:
            exchange = Exchange(scope, receive, send, route.name, route.client)
            await handlers[route.name](exchange)
        else:
            refusal = NotServed(
                405, f"{scope['method']} is not served at {path}.", allow=route.method
            )
            await refuse(scope, receive, send, refusal)

    return dispatch
