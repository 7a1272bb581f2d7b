"""The order of the stages. Read it from top to bottom: that is what happens to a request."""

from service.pipeline.dependencies import Handler, Services, Stage
from service.pipeline.exchange import Exchange
from service.pipeline.stages.admin_keys import AdminKeys
from service.pipeline.stages.admin_only import AdminOnly
from service.pipeline.stages.admission import Admission
from service.pipeline.stages.auth import Authenticate
from service.pipeline.stages.cancellation import Watch
from service.pipeline.stages.decode import Decode
from service.pipeline.stages.failover import Attempts
from service.pipeline.stages.fallback import Degrade
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
    Authenticate,  # API key -> tenant, from the headers alone: a stranger's body is never read
    Admission,  # room, body, total deadline
    Watch,  # the client leaves, the deadline passes, the replica drains
    Decode,  # model, stream, stream_options
    Limit,  # one call to Redis, or this replica's share
    Degrade,  # when no target answers: fallbacks, then an answer of a while ago
    Route,  # model -> targets that may answer
    Attempts,  # until one commits to an answer
    Relay,  # bytes to the client
)

TRACED_CHAT: tuple[type[Stage], ...] = (*CHAT[:2], Trace, *CHAT[2:])
"""Where the settings want traces; without them, not even a question is asked of a request.
Strangers leave none: they could fill the queue, and say that all of theirs are to be recorded."""

MODELS: tuple[type[Stage], ...] = (Observe, Authenticate, Admission, Watch, Limit, ListModels)

HEALTH: tuple[type[Stage], ...] = (Observe, Authenticate, Admission, Watch, Limit, HealthDetail)

ADMIN: tuple[type[Stage], ...] = (Observe, AdminOnly, Admission, Limit, AdminKeys)
"""No client that leaves ends this: what was begun in Redis is finished, and none of it is long."""


async def _nothing_left(exchange: Exchange) -> None:
    """After the last stage; the last stage does not come here."""
    raise AssertionError(f"no stage answered {exchange.route}")


def chain(stages: tuple[type[Stage], ...], services: Services) -> Handler:
    """One handler out of the stages."""
    handler: Handler = _nothing_left
    for stage in reversed(stages):
        handler = stage(services, handler)
    return handler
