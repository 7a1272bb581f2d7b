"""Stage: who is calling. Keys are known by their hash; see `service.state.key_ring`."""

from service.errors import Unauthorized
from service.pipeline.exchange import Exchange
from service.pipeline.services import Handler, Services

__all__ = ["Authenticate"]

_BEARER = b"bearer "


class Authenticate:
    """Sets `exchange.key` from `Authorization: Bearer ...`."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._keys = services.keys
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        presented = ""
        for name, value in exchange.scope["headers"]:
            if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
                presented = value[len(_BEARER) :].strip().decode("latin-1")
        if not presented:
            raise Unauthorized("Send an API key as 'Authorization: Bearer <key>'.")
        exchange.key = self._keys.find(presented)
        if exchange.key is None:
            raise Unauthorized("The API key is not known here.")
        await self._proceed(exchange)
