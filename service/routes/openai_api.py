"""The paths of the OpenAI API. They are plain ASGI endpoints: no request is parsed by pydantic."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.headers import REQUEST_ID
from service.errors import NotServed
from service.pipeline.exchange import Exchange
from service.pipeline.request_id import request_id
from service.pipeline.services import Handler, Services
from service.pipeline.stages import CHAT, MODELS, compose

__all__ = ["CHAT_ROUTE", "MODELS_ROUTE", "ROUTES", "api", "refusal_headers"]

CHAT_ROUTE = "chat_completions"
MODELS_ROUTE = "models"
ROUTES = (CHAT_ROUTE, MODELS_ROUTE)

_CHAT_PATH = "/v1/chat/completions"
_MODELS_PATH = "/v1/models"


def refusal_headers(scope: Scope, error: NotServed) -> dict[str, str]:
    """The headers of a refusal that never enters the pipeline."""
    return {**dict(error.pairs()), REQUEST_ID: request_id(scope)}


async def refuse(scope: Scope, receive: Receive, send: Send, error: NotServed) -> None:
    """Answer a path or method that is not served."""
    response = Response(
        error.body(), status_code=error.http_status, headers=refusal_headers(scope, error)
    )
    await response(scope, receive, send)


def api(services: Services, otherwise: ASGIApp) -> ASGIApp:
    """The dispatcher in front of the application's own router: two paths, compared as strings."""
    chat: Handler = compose(CHAT, services)
    models: Handler = compose(MODELS, services)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        method: str = scope["method"]
        if path == _CHAT_PATH:
            allow = "POST"
            if method == "POST":
                await chat(Exchange(scope, receive, send, CHAT_ROUTE))
                return
        elif path == _MODELS_PATH or path.startswith(_MODELS_PATH + "/"):
            allow = "GET"
            if method == "GET":
                await models(Exchange(scope, receive, send, MODELS_ROUTE))
                return
        else:
            await otherwise(scope, receive, send)
            return
        refusal = NotServed(405, f"{method} is not served at {path}.", allow=allow)
        await refuse(scope, receive, send, refusal)

    return dispatch
