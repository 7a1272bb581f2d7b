"""The request that a provider receives for a client's request."""

import json
from typing import Any

from service.pipeline.client_formats import ANTHROPIC, ClientApi
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.encoding import Encoding

__all__ = ["said", "sent"]


def sent(kind: str, client: ClientApi, **fields: object) -> tuple[Any, set[str]]:
    """The request that a provider receives, and the names of the adapted fields."""
    document = {"model": "m", "messages": [said("user", "hi")], **fields}
    if client is ANTHROPIC:
        document.setdefault("max_tokens", 100)
    call = decode_chat(json.dumps(document).encode(), client)
    how = Encoding()
    body = CATALOGUE[kind].dialects[client.format].encode(call, "up", how)
    return json.loads(body), how.adapted


def said(role: str, content: object, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}
