"""Stage: identifies the caller by the hash of its API key; see `service.state.key_ring`."""

from starlette.types import Scope

from service.errors import KeysUnavailable, Unauthorized
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.state.key_ring import RUNTIME_KEY_PREFIX, ApiKey, KeyRing

__all__ = ["Authenticate", "caller"]

_BEARER = b"bearer "
_ANTHROPICS = b"x-api-key"
"""The header in which Anthropic's clients send the key."""


def caller(scope: Scope, keys: KeyRing) -> ApiKey:
    """Find the API key of a request.

    Raises:
        Unauthorized: the request has no key, or an unknown one.
        KeysUnavailable: another replica may know the key, and this one cannot find out now.
    """
    presented = ""
    for name, value in scope["headers"]:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            presented = value[len(_BEARER) :].strip().decode("latin-1")
        elif name == _ANTHROPICS and not presented:
            presented = value.strip().decode("latin-1")
    if not presented:
        raise Unauthorized("Send an API key as 'Authorization: Bearer <key>' or 'x-api-key'.")
    key = keys.find(presented)
    if key is None and presented.startswith(RUNTIME_KEY_PREFIX) and not keys.runtime_keys_loaded:
        # This replica started while Redis does not answer: another replica may know the key.
        raise KeysUnavailable("The runtime keys are not loaded yet.", retry_after_s=1)
    if key is None:
        raise Unauthorized("The API key is unknown.")
    return key


class Authenticate:
    """Sets `exchange.key` from `Authorization: Bearer ...` or `x-api-key: ...`."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._keys = dependencies.keys
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        exchange.key = caller(exchange.scope, self._keys)
        await self._proceed(exchange)
