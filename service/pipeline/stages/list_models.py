"""Stage: answers with the model list from the settings; no provider is called."""

import msgspec

from service.errors import ModelNotFound
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange

__all__ = ["ListModels"]

_JSON = [(b"content-type", b"application/json")]
_PREFIX = "/v1/models/"


def _entry(name: str) -> dict[str, object]:
    # The API requires a creation time; a configured alias has none.
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "seawall",
        # The same for Anthropic's clients, which use the same path.
        "type": "model",
        "display_name": name,
        "created_at": "1970-01-01T00:00:00Z",
    }


class ListModels:
    """Answers GET /v1/models and /v1/models/{id}."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        del proceed
        names = tuple(dependencies.settings.models)
        self._names = names
        self._list = msgspec.json.encode(
            {
                "object": "list",
                "data": [_entry(name) for name in names],
                "has_more": False,
                "first_id": names[0],
                "last_id": names[-1],
            }
        )
        self._entries = {name: msgspec.json.encode(_entry(name)) for name in dependencies.upstreams}

    async def __call__(self, exchange: Exchange) -> None:
        path: str = exchange.scope["path"]
        body = self._list
        if path.startswith(_PREFIX):
            name = path.removeprefix(_PREFIX)
            if name not in self._entries:
                raise ModelNotFound(name, self._names)
            body = self._entries[name]
        await exchange.answer(200, _JSON, body)
