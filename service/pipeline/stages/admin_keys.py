"""Stage: the last one for /admin/keys. Creates, lists and deletes runtime keys for admins."""

from typing import cast

import msgspec

from contract.budgets import missing_price
from contract.paths import ADMIN_KEYS
from service.errors import InvalidRequest, NotServed, Unauthorized
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.providers.dialect import UNREADABLE
from service.settings import Settings
from service.state.key_ring import KeyRing

__all__ = ["SETTINGS", "AdminKeys"]

SETTINGS = "seawall.settings"
"""The ASGI scope key that holds the current settings, since this stage outlasts a reload."""

_JSON = [(b"content-type", b"application/json")]
_decode = msgspec.json.Decoder(dict[str, object]).decode


class AdminKeys:
    """Answers POST and GET of /admin/keys, and DELETE of /admin/keys/{id}."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        del proceed
        self._keys = dependencies.keys
        self._runtime_keys = dependencies.runtime_keys

    async def __call__(self, exchange: Exchange) -> None:
        asker, runtime_keys = exchange.key, self._runtime_keys
        if asker is None:
            raise Unauthorized("No API key.")
        if runtime_keys is None:
            raise NotServed(501, "Runtime keys need state.kind: redis in the settings.")
        method: str = exchange.scope["method"]
        if method == "POST":
            settings = cast("Settings", exchange.scope[SETTINGS])
            missing = missing_price(settings.models, settings.providers)
            fields = _fields(exchange.body)
            document = await runtime_keys.make(fields, asker.id, missing_price=missing)
            await exchange.answer(201, _JSON, msgspec.json.encode(document))
        elif method == "DELETE":
            path: str = exchange.scope["path"]
            await runtime_keys.delete(path.removeprefix(ADMIN_KEYS + "/"), asker.id)
            # Not `answer`: a 204 has no content-length.
            await exchange.start(204, [])
            await exchange.write(b"", more=False)
        else:
            listed = await runtime_keys.listed()
            await exchange.answer(200, _JSON, _document(self._keys, listed))


def _fields(body: bytes) -> dict[str, object]:
    try:
        return _decode(body)
    except UNREADABLE as error:
        raise InvalidRequest(f"The body is not a JSON object: {error}") from None


def _document(keys: KeyRing, listed: list[dict[str, object]]) -> bytes:
    fixed = keys.of_the_file
    return msgspec.json.encode(
        {
            "runtime_keys": listed,
            "made": listed,  # the earlier name, for one release
            "of_the_file": sorted(key.id for key in fixed.keys.values()),
            "revoked": sorted(fixed.revoked),
        }
    )
