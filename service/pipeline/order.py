"""The order of the stages: a request passes them from top to bottom."""

from service.pipeline.dependencies import Dependencies, Handler, Stage
from service.pipeline.exchange import Exchange
from service.pipeline.stages.admin_keys import AdminKeys
from service.pipeline.stages.admin_only import AdminOnly
from service.pipeline.stages.admission import Admission
from service.pipeline.stages.auth import Authenticate
from service.pipeline.stages.cancellation import Cancellation
from service.pipeline.stages.decode import Decode
from service.pipeline.stages.failover import Failover
from service.pipeline.stages.fallback import Fallback
from service.pipeline.stages.health_detail import HealthDetail
from service.pipeline.stages.limit import Limit
from service.pipeline.stages.list_models import ListModels
from service.pipeline.stages.observe import Observe
from service.pipeline.stages.relay import Relay
from service.pipeline.stages.route import Route
from service.pipeline.stages.trace import Trace

__all__ = ["ADMIN", "CHAT", "HEALTH", "MODELS", "TRACED_CHAT", "chain"]

CHAT: tuple[type[Stage], ...] = (
    Observe,  # request id, error answers, log line, metrics
    Authenticate,  # API key -> tenant, from the headers alone: without a key no body is read
    Admission,  # a place in flight, the body, the total deadline
    Cancellation,  # when the client leaves, the deadline passes, or the replica drains
    Decode,  # model, stream, stream_options
    Limit,  # rate limits and budgets: one call to Redis, or this replica's share
    Fallback,  # when no target answers: fallback models, then a stale answer
    Route,  # model -> targets that may answer
    Failover,  # calls targets until one answer is committed
    Relay,  # bytes to the client
)

TRACED_CHAT: tuple[type[Stage], ...] = (*CHAT[:2], Trace, *CHAT[2:])
"""The stages when tracing is configured; without it, a request does not even check for it.

Requests without a valid key leave no trace: they could fill the export queue, because a client can
demand that all of its traces are recorded.
"""

MODELS: tuple[type[Stage], ...] = (
    Observe,
    Authenticate,
    Admission,
    Cancellation,
    Limit,
    ListModels,
)

HEALTH: tuple[type[Stage], ...] = (
    Observe,
    Authenticate,
    Admission,
    Cancellation,
    Limit,
    HealthDetail,
)

ADMIN: tuple[type[Stage], ...] = (Observe, AdminOnly, Admission, Limit, AdminKeys)
"""These stages go on when the client leaves, so that a write to Redis ends; none takes long."""


async def _nothing_left(exchange: Exchange) -> None:
    """Stands after the last stage, which never calls it."""
    raise AssertionError(f"no stage answered {exchange.route}")


def chain(stages: tuple[type[Stage], ...], dependencies: Dependencies) -> Handler:
    """Make one handler that runs the stages in this order."""
    handler: Handler = _nothing_left
    for stage in reversed(stages):
        handler = stage(dependencies, handler)
    return handler
