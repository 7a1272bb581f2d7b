"""The order of the stages. Read it from top to bottom: that is what happens to a request."""

from service.pipeline.admission import Admission
from service.pipeline.attempts import Attempts
from service.pipeline.auth import Authenticate
from service.pipeline.decode import Decode
from service.pipeline.exchange import Exchange
from service.pipeline.limit import Limit
from service.pipeline.list_models import ListModels
from service.pipeline.observe import Observe
from service.pipeline.relay import Relay
from service.pipeline.route import Route
from service.pipeline.services import Handler, Services, Stage
from service.pipeline.watch import Watch

__all__ = ["CHAT", "MODELS", "compose"]

CHAT: tuple[type[Stage], ...] = (
    Observe,  # request id, error answers, log line, metrics
    Authenticate,  # API key -> tenant, from the headers alone: a stranger's body is never read
    Admission,  # room, body, total deadline
    Watch,  # the client leaves, the deadline passes, the replica drains
    Decode,  # model, stream, stream_options
    Limit,  # one call to Redis, or this replica's share
    Route,  # model -> targets that may answer
    Attempts,  # until one commits to an answer
    Relay,  # bytes to the client
)

MODELS: tuple[type[Stage], ...] = (Observe, Authenticate, Admission, Watch, Limit, ListModels)


async def _nothing_left(exchange: Exchange) -> None:
    """After the last stage; the last stage does not come here."""
    raise AssertionError(f"no stage answered {exchange.route}")


def compose(stages: tuple[type[Stage], ...], services: Services) -> Handler:
    """One handler out of the stages."""
    handler: Handler = _nothing_left
    for stage in reversed(stages):
        handler = stage(services, handler)
    return handler
