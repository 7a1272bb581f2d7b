"""A streamed answer put together to a whole one, as the provider would have given it.

A client that wants a whole answer is served so by providers that are asked for a stream: silence is
noticed when the first content is late, and not when the whole answer is.
"""

import contextlib
import json
from typing import Any, Protocol, cast

from service.providers.dialects.anthropic import AnthropicReader
from service.providers.dialects.openai import OpenAIScanner
from service.providers.dialects.sse import EventSplitter
from service.providers.half_characters import write_json

__all__ = ["CompletionGatherer", "Gatherer", "MessageGatherer"]

_Json = dict[str, Any]


class Gatherer(Protocol):
    """Collects one streamed answer."""

    @property
    def has_content(self) -> bool:
        """Whether the first valid content has come."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the answer has ended: only usage and the end marker may be missing."""
        ...

    @property
    def has_usage(self) -> bool:
        """Whether the usage of a finished answer has come."""
        ...

    @property
    def done(self) -> bool:
        """Whether all has come."""
        ...

    def feed(self, data: bytes) -> None:
        """Take what arrived; none means that the provider closed the stream.

        Raises:
            UpstreamFailure: an event is malformed, reports an error, or the answer is not complete.
        """
        ...

    def body(self) -> bytes:
        """The whole answer, in the provider's own format."""
        ...


class CompletionGatherer:
    """Chunks of a completion; https://platform.openai.com/docs/api-reference/chat-streaming."""

    def __init__(self) -> None:
        self._scanner = OpenAIScanner(include_usage=True)
        self._splitter = EventSplitter()
        self._head: _Json = {}
        self._choices: dict[int, _Json] = {}

    @property
    def has_content(self) -> bool:
        """See `Gatherer.has_content`."""
        return self._scanner.has_content

    @property
    def finished(self) -> bool:
        """See `Gatherer.finished`."""
        return self._scanner.finished

    @property
    def has_usage(self) -> bool:
        """See `Gatherer.has_usage`."""
        return self._scanner.has_usage

    @property
    def done(self) -> bool:
        """See `Gatherer.done`."""
        return self._scanner.done

    def feed(self, data: bytes) -> None:
        """See `Gatherer.feed`."""
        passed = self._scanner.feed(data) if data else self._scanner.finish()
        for _, payload in self._splitter.feed(passed):
            if payload is not None and payload != b"[DONE]":
                self._take(json.loads(payload))

    def _take(self, chunk: _Json) -> None:
        for name, value in chunk.items():
            if name not in ("choices", "object") and value is not None:
                self._head[name] = value
        for choice in cast("list[_Json]", chunk.get("choices") or ()):
            index = choice.get("index") or 0
            made = self._choices.setdefault(index, {"index": index, "message": {}})
            _add(made["message"], choice.get("delta") or {})
            for name, value in choice.items():
                if name == "logprobs" and value is not None:
                    _add(made.setdefault("logprobs", {}), value)
                elif name not in ("index", "delta", "logprobs") and value is not None:
                    made[name] = value

    def body(self) -> bytes:
        """See `Gatherer.body`."""
        choices: list[_Json] = []
        for _, choice in sorted(self._choices.items()):
            told = choice["message"]
            message: _Json = {"role": "assistant", "content": None, **told}
            if "tool_calls" in message:
                message["tool_calls"] = [_without_index(one) for one in message["tool_calls"]]
            choices.append({"logprobs": None, **choice, "message": message})
        made = {**self._head, "object": "chat.completion", "choices": choices}
        return write_json(made)


def _without_index(call: _Json) -> _Json:
    return {name: value for name, value in call.items() if name != "index"}


def _add(made: _Json, piece: _Json) -> None:
    """Add a piece: texts and lists grow, items with an index each on their own, others are set."""
    for name, value in piece.items():
        known = made.get(name)
        if value is None:
            made.setdefault(name, None)
        elif known is None or name in ("id", "type", "role"):
            # Later pieces may repeat these, or leave them empty.
            made[name] = _started(value) if known is None else value or known
        elif name == "name" and value == known:
            continue
        elif isinstance(value, str) and isinstance(known, str):
            made[name] = known + value
        elif isinstance(value, dict) and isinstance(known, dict):
            _add(cast("_Json", known), cast("_Json", value))
        elif isinstance(value, list | str) and isinstance(known, list | str):
            # A content may begin as a list of parts and go on as text.
            grown = _parts(cast("object", known))
            _extend(grown, _parts(cast("object", value)))
            made[name] = grown
        else:
            made[name] = value


def _parts(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return cast("list[Any]", content)


def _started(value: object) -> object:
    """A copy that may grow."""
    if isinstance(value, list):
        grown: list[Any] = []
        _extend(grown, cast("list[Any]", value))
        return grown
    return dict(cast("_Json", value)) if isinstance(value, dict) else value


def _extend(made: list[Any], pieces: list[Any]) -> None:
    """Calls of tools are told apart by their index, or where all have one, by their ids."""
    for piece in pieces:
        if not isinstance(piece, dict):
            made.append(piece)
            continue
        fields = cast("_Json", piece)
        index = fields.get("index")
        known = next(
            (one for one in reversed(made) if index is not None and one.get("index") == index),
            None,
        )
        if known is None or (fields.get("id") and fields["id"] != known.get("id")):
            begun: _Json = {}
            _add(begun, fields)
            made.append(begun)
        else:
            _add(known, {name: value for name, value in fields.items() if name != "index"})


class MessageGatherer:
    """Events of a message; https://docs.anthropic.com/en/api/messages-streaming."""

    def __init__(self) -> None:
        self._reader = AnthropicReader()
        self._message: _Json = {}
        self._blocks: dict[int, _Json] = {}
        self._inputs: dict[int, str] = {}

    @property
    def has_content(self) -> bool:
        """See `Gatherer.has_content`."""
        return self._reader.has_content

    @property
    def finished(self) -> bool:
        """See `Gatherer.finished`."""
        return self._reader.finished

    @property
    def has_usage(self) -> bool:
        """See `Gatherer.has_usage`: the event with the stop_reason carries it."""
        return self._reader.finished

    @property
    def done(self) -> bool:
        """See `Gatherer.done`."""
        return self._reader.done

    def feed(self, data: bytes) -> None:
        """See `Gatherer.feed`."""
        for raw, event in self._reader.read(data) if data else self._reader.rest():
            if event is not None:
                self._take(json.loads(_payload(raw)))
        if not data and not self._reader.done:
            self._reader.close()

    def _take(self, event: _Json) -> None:
        match event.get("type"):
            case "message_start":
                self._message = dict(event["message"])
            case "content_block_start":
                self._blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                self._grow(event["index"], event["delta"])
            case "message_delta":
                self._message |= event.get("delta") or {}
                usage: _Json = self._message.setdefault("usage", None) or {}
                told = cast("_Json", event.get("usage") or {})
                told = {name: count for name, count in told.items() if count is not None}
                self._message["usage"] = {**usage, **told}
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
                        block[name] = block.get(name, "") + value

    def body(self) -> bytes:
        """See `Gatherer.body`."""
        for index, text in self._inputs.items():
            with contextlib.suppress(ValueError):  # cut off by max_tokens
                self._blocks[index]["input"] = json.loads(text)
        content = [block for _, block in sorted(self._blocks.items())]
        made = {**self._message, "type": "message", "content": content}
        return write_json(made)


def _payload(raw: bytes) -> bytes:
    lines = [line[5:] for line in raw.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines)
