"""Assembles a streamed answer into the whole answer that the provider would have given.

For a client that wants a whole answer, the gateway requests a stream. It then notices silence when
the first content is late, and not only when the whole answer is.
"""

import contextlib
import json
from collections.abc import Collection, Generator
from typing import Any, Protocol, cast

from service.providers.dialect import Progress
from service.providers.dialects.anthropic import AnthropicReader
from service.providers.dialects.openai import OpenAIScanner
from service.providers.dialects.sse import EventSplitter, payload_of
from service.providers.dialects.tool_calls import begins_another_call
from service.providers.failures import UpstreamFailure
from service.providers.lenient import write_json
from service.resilience.retry import Symptom

__all__ = ["CompletionGatherer", "Gatherer", "MessageGatherer"]

_Json = dict[str, Any]


class Gatherer(Protocol):
    """Collects one streamed answer."""

    @property
    def progress(self) -> Progress:
        """The progress of the stream."""
        ...

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream; empty bytes mean that the provider closed it.

        Raises:
            UpstreamFailure: an event is malformed, reports an error, or the answer is incomplete.
        """
        ...

    def body(self) -> bytes:
        """The whole answer, in the provider's own format."""
        ...


class CompletionGatherer:
    """Gathers chunks of a completion.

    https://platform.openai.com/docs/api-reference/chat-streaming
    """

    def __init__(self) -> None:
        self.progress = OpenAIScanner(include_usage=True)
        """The progress of the stream; it also validates the chunks."""
        self._splitter = EventSplitter()
        self._head: _Json = {}
        self._choices: dict[int, _Json] = {}

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream; empty bytes mean that the provider closed it."""
        passed = self.progress.feed(data) if data else self.progress.finish()
        for _, payload in self._splitter.feed(passed):
            if payload is not None and payload != b"[DONE]":
                with _read_of_the_provider():
                    self._take(json.loads(payload))

    def _take(self, chunk: _Json) -> None:
        _set(self._head, chunk, but=_OF_CHUNKS)
        for choice in cast("list[_Json | None]", chunk.get("choices") or ()):
            if choice is None:
                continue
            index = int(choice.get("index") or 0)
            made = self._choices.setdefault(index, {"index": index, "message": {}})
            _add(made["message"], choice.get("delta") or {})
            if choice.get("logprobs") is not None:
                _add(made.setdefault("logprobs", {}), choice["logprobs"])
            _set(made, choice, but=("index", "delta", "logprobs"))

    def body(self) -> bytes:
        """The whole completion."""
        choices: list[_Json] = []
        for _, choice in sorted(self._choices.items()):
            message: _Json = {"role": "assistant", "content": None, **choice["message"]}
            if message.get("tool_calls"):
                message["tool_calls"] = _in_order(message["tool_calls"])
            choices.append({"logprobs": None, **choice, "message": message})
        made = {**self._head, "object": "chat.completion", "choices": choices}
        return write_json(made)


_OF_CHUNKS = ("choices", "object", "obfuscation")
"""Fields that differ in a whole answer, or are missing in it."""
_NOTHING: tuple[object, ...] = (None, "", 0, [], {})
"""Values that do not replace a value of an earlier chunk."""
_GROW = frozenset(
    (
        *("content", "refusal", "reasoning_content", "reasoning", "tool_calls", "arguments"),
        *("text", "thinking", "summary", "data", "transcript", "name"),
        *("reasoning_details", "annotations", "images"),
    )
)
"""Fields whose pieces are appended; of any other field, the last value that is not empty counts."""


@contextlib.contextmanager
def _read_of_the_provider() -> Generator[None]:
    """Turn exceptions into MALFORMED, since an unusable answer is the provider's fault."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        detail = f"an event cannot be assembled: {type(error).__name__}"
        raise UpstreamFailure(Symptom.MALFORMED, detail) from None


def _set(made: _Json, fields: _Json, *, but: Collection[str]) -> None:
    for name, value in fields.items():
        if name not in but and (name not in made or value not in _NOTHING):
            made[name] = value


def _in_order(calls: list[_Json]) -> list[_Json]:
    """The tool calls sorted by their index, and without it, since a whole answer has no index."""
    if all(isinstance(call.get("index"), int) for call in calls):
        calls = sorted(calls, key=lambda call: cast("int", call["index"]))
    return [{name: value for name, value in call.items() if name != "index"} for call in calls]


def _add(made: _Json, piece: _Json) -> None:
    """Add a piece: texts and lists grow, list items with an index separately; others are set."""
    for name, value in piece.items():
        known = made.get(name)
        if value is None:
            made.setdefault(name, None)
        elif isinstance(value, dict):
            made[name] = known if isinstance(known, dict) else {}
            _add(made[name], cast("_Json", value))
        elif name not in _GROW or known is None:
            # Later pieces may repeat an id, a type or a role, or leave it empty.
            made[name] = _started(value) if known is None else value or known
        elif name == "name" and value == known:
            continue
        elif isinstance(value, str) and isinstance(known, str):
            made[name] = known + value
        else:
            # Content may begin as a list of parts and continue as text.
            grown = _parts(cast("object", known))
            _extend(grown, _parts(cast("object", value)))
            made[name] = grown


def _parts(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [*cast("list[Any]", content)]


def _started(value: object) -> object:
    """A copy that can be extended."""
    if not isinstance(value, list):
        return value
    grown: list[Any] = []
    _extend(grown, cast("list[Any]", value))
    return grown


def _extend(made: list[Any], pieces: list[Any]) -> None:
    """Add each piece to the item that it continues, or as a new item."""
    for piece in pieces:
        if not isinstance(piece, dict):
            made.append(piece)
            continue
        fields = cast("_Json", piece)
        known = _goes_on_with(made, fields)
        if known is None:
            begun: _Json = {}
            _add(begun, fields)
            made.append(begun)
        else:
            _add(known, {name: value for name, value in fields.items() if name != "index"})


def _goes_on_with(made: list[Any], piece: _Json) -> _Json | None:
    """The item that a piece continues; None when it begins a new one.

    Tool calls have an index if the server sends one; see `begins_another_call`. Texts and thoughts
    have no index: consecutive pieces of one kind are one item.
    """
    items = [cast("_Json", one) for one in made if isinstance(one, dict)]
    if not items:
        return None
    index, kind = piece.get("index"), piece.get("type")
    if index is None and kind in ("text", "thinking"):
        return items[-1] if items[-1].get("type") == kind else None
    if index is None and "function" not in piece:
        return None
    same = [one for one in items if index is None or one.get("index") == index]
    known = same[-1] if same else None
    if known is None:
        return None
    function = cast("_Json", piece.get("function") or {})
    before = cast("_Json", known.get("function") or {})
    another = begins_another_call(
        piece.get("id") or "",
        function.get("name") or "",
        function.get("arguments") or "",
        known_id=known.get("id") or "",
        known_arguments=before.get("arguments") or "",
    )
    return None if another else known


class MessageGatherer:
    """Gathers events of a message; https://docs.anthropic.com/en/api/messages-streaming."""

    def __init__(self) -> None:
        self.progress = AnthropicReader()
        """The progress of the stream; it also validates the events."""
        self._message: _Json = {}
        self._blocks: dict[int, _Json] = {}
        self._inputs: dict[int, str] = {}

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream; empty bytes mean that the provider closed it."""
        for raw, event in self.progress.read(data) if data else self.progress.rest():
            if event is not None:
                with _read_of_the_provider():
                    self._take(json.loads(payload_of(raw) or b"{}"))
        if not data and not self.progress.done:
            self.progress.close()

    def _take(self, event: _Json) -> None:
        match event.get("type"):
            case "message_start":
                self._message = dict(event["message"])
            case "content_block_start":
                self._blocks[event.get("index", 0)] = dict(event["content_block"])
            case "content_block_delta":
                self._grow(event.get("index", 0), event["delta"])
            case "message_delta":
                _set(self._message, event, but=("type", "delta", "usage"))
                self._message |= event.get("delta") or {}
                usage: _Json = self._message.setdefault("usage", None) or {}
                counts = cast("_Json", event.get("usage") or {})
                counts = {name: count for name, count in counts.items() if count is not None}
                self._message["usage"] = {**usage, **counts}
            case _:
                pass

    def _grow(self, index: int, delta: _Json) -> None:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        match delta.get("type"):
            case "input_json_delta":
                self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
            case _:
                for name, value in delta.items():
                    if name != "type":
                        block[name] = (block.get(name) or "") + value

    def body(self) -> bytes:
        """The whole message."""
        for index, text in self._inputs.items():
            with contextlib.suppress(ValueError):  # cut off by max_tokens
                self._blocks[index]["input"] = json.loads(text)
        content = [block for _, block in sorted(self._blocks.items())]
        made = {**self._message, "type": "message", "content": content}
        return write_json(made)
