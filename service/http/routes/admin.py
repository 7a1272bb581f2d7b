"""The routes for runtime keys, which need an admin key.

They are off the hot path: FastAPI's router finds the route, and the stages do the rest, as for any
other request.
"""

from dataclasses import replace

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from contract.paths import ADMIN_KEYS
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.pipeline.order import ADMIN, chain
from service.resilience.byte_budget import ByteBudget
from service.resilience.concurrency_limiter import ConcurrencyLimiter

__all__ = ["ADMIN_ROUTE", "admin_routes"]

ADMIN_ROUTE = "admin_keys"
"""The name of the route in logs and metrics."""
MAX_BODY_BYTES = 16 << 10
"""More than enough: a key's fields are some hundred bytes."""
AT_ONCE, WAITING = 4, 16


def admin_routes(dependencies: Dependencies) -> list[Route]:
    """Make the routes. Their handlers find reloaded settings in the scope of each request."""
    endpoint = _Endpoint(chain(ADMIN, _with_room_of_its_own(dependencies)))
    return [
        Route(ADMIN_KEYS, endpoint, methods=["GET", "POST"]),
        Route(ADMIN_KEYS + "/{key_id}", endpoint, methods=["DELETE"]),
    ]


def _with_room_of_its_own(dependencies: Dependencies) -> Dependencies:
    """Separate concurrency limits, so that a key that floods the gateway can still be deleted."""
    admission = dependencies.settings.admission.model_copy(
        update={"max_body_bytes": MAX_BODY_BYTES}
    )
    return replace(
        dependencies,
        settings=dependencies.settings.model_copy(update={"admission": admission}),
        concurrency=ConcurrencyLimiter(AT_ONCE, WAITING),
        buffered=ByteBudget(AT_ONCE * MAX_BODY_BYTES),
    )


class _Endpoint:
    """A class, because the framework treats its instances as ASGI applications."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handler(Exchange(scope, receive, send, ADMIN_ROUTE))
