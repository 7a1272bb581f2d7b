"""Requests and streams in both formats, for the tests of translation."""

import json
from typing import Any

from service.pipeline.client_formats import ANTHROPIC, OPENAI, ClientApi
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.dialect import Dialect, StreamScanner
from service.providers.encoding import Encoding

PIXEL = "iVBORw0KGgo="


OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


ANTHROPIC_CALL = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def spoken(kind: str, client: ClientApi) -> Dialect:
    return CATALOGUE[kind].dialects[client.format]


def to_anthropic(**fields: object) -> Any:  # noqa: ANN401 - JSON is whatever the test says
    call = decode_chat(json.dumps({"model": "alias", **fields}).encode(), OPENAI)
    return json.loads(spoken("anthropic", OPENAI).encode(call, "claude", Encoding()))


def to_openai(**fields: object) -> Any:  # noqa: ANN401 - same
    document = {"model": "alias", "max_tokens": 9, **fields}
    call = decode_chat(json.dumps(document).encode(), ANTHROPIC)
    return json.loads(spoken("openai", ANTHROPIC).encode(call, "gpt", Encoding()))


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def events(*documents: dict[str, object]) -> bytes:
    return b"".join(
        f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in documents
    )


def chunk(**fields: object) -> bytes:
    return b"data: " + json.dumps({"id": "x", "model": "gpt", **fields}).encode() + b"\n\n"


def piece(delta: dict[str, object], reason: str | None = None) -> bytes:
    return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": reason}])


def scanner_of(kind: str, client: ClientApi, **fields: object) -> StreamScanner:
    call = decode_chat(json.dumps({"model": "m", "stream": True, **fields}).encode(), client)
    return spoken(kind, client).scanner(call)


def read(raw: bytes) -> list[Any]:
    """The data of every event except the end marker."""
    lines = [line[6:] for line in raw.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]
