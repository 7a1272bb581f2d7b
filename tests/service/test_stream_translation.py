"""Translation of streamed tool calls between the two formats."""

import json
from typing import Any

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI, ClientApi
from service.providers.failures import UpstreamFailure
from tests.service.translation_kit import (
    OPENAI_CALL,
    chunk,
    events,
    piece,
    read,
    scanner_of,
    spoken,
)

USED = {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 1}


TOOL_STREAM = events(
    {"type": "message_start", "message": {"id": "m1", "model": "claude", "usage": USED}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"a":'},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": "1}"},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
)


@pytest.mark.parametrize("cut", range(0, len(TOOL_STREAM), 97))
def test_streamed_anthropic_tool_call_is_translated_for_openai_clients(cut: int) -> None:
    scanner = scanner_of("anthropic", OPENAI, stream_options={"include_usage": True})
    raw = scanner.feed(TOOL_STREAM[:cut]) + scanner.feed(TOOL_STREAM[cut:])
    assert scanner.done
    assert raw.endswith(b"data: [DONE]\n\n")
    chunks = read(raw)
    calls = [
        call
        for one in chunks
        for choice in one["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]
    assert calls[0]["id"] == "c1"
    assert {call["index"] for call in calls} == {0}
    assert "".join(call["function"]["arguments"] for call in calls) == '{"a":1}'
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"]["prompt_tokens"] == 5
    assert chunks[-1]["usage"]["completion_tokens"] == 7
    assert chunks[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


def test_streamed_openai_tool_calls_are_translated_for_anthropic_clients() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{}"}}
    stream = (
        piece({"role": "assistant", "content": ""})
        + piece({"content": "let me see"})
        + piece({"tool_calls": [call]})
        + piece({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]})
        + piece({"tool_calls": [second]})
        + piece({}, "tool_calls")
        + chunk(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 7})
        + b"data: [DONE]\n\n"
    )
    scanner = scanner_of("openai", ANTHROPIC)
    found = read(scanner.feed(stream))
    starts = [one["content_block"] for one in found if one["type"] == "content_block_start"]
    assert [start["type"] for start in starts] == ["text", "tool_use", "tool_use"]
    assert [start.get("id") for start in starts] == [None, "c1", "c2"]
    stops = [one["index"] for one in found if one["type"] == "content_block_stop"]
    assert stops == [0, 1, 2]
    assert found[-2]["delta"]["stop_reason"] == "tool_use"
    assert found[-2]["usage"]["input_tokens"] == 5
    assert found[-1] == {"type": "message_stop"}


@pytest.mark.parametrize(
    ("kind", "client", "stream"),
    [
        ("anthropic", OPENAI, TOOL_STREAM[: TOOL_STREAM.index(b"event: message_delta")]),
        ("anthropic", ANTHROPIC, TOOL_STREAM[: TOOL_STREAM.index(b"event: message_delta")]),
        ("openai", ANTHROPIC, piece({"content": "half"})),
    ],
)
def test_stream_without_a_finish_reason_is_a_cut(
    kind: str, client: ClientApi, stream: bytes
) -> None:
    scanner = scanner_of(kind, client)
    scanner.feed(stream)
    with pytest.raises(UpstreamFailure, match="cut"):
        scanner.finish()


@pytest.mark.parametrize("client", [OPENAI, ANTHROPIC])
def test_missing_message_stop_of_an_anthropic_stream_is_supplied(client: ClientApi) -> None:
    scanner = scanner_of("anthropic", client)
    raw = scanner.feed(TOOL_STREAM[: TOOL_STREAM.index(b"event: message_stop")]) + scanner.finish()
    end = b"[DONE]" if client is OPENAI else b"message_stop"
    assert end in raw.splitlines()[-2]


def test_streamed_call_without_arguments_is_an_empty_object() -> None:
    block: dict[str, object] = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    empty = {"type": "input_json_delta", "partial_json": ""}
    stream = events(
        {"type": "message_start", "message": {"id": "m1", "model": "claude"}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": empty},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )
    found = read(scanner_of("anthropic", OPENAI).feed(stream))
    pieces = [
        call["function"]["arguments"]
        for one in found
        for choice in one["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]
    assert "".join(pieces) == "{}"


def test_forced_tool_call_has_stop_reason_tool_use_for_anthropic_clients() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}}
    message = {"content": None, "tool_calls": [{**OPENAI_CALL, "id": None}]}
    whole = {"choices": [{"message": message, "finish_reason": "stop"}], "id": None}
    answer = json.loads(spoken("openai", ANTHROPIC).answer(json.dumps(whole).encode()).body)
    assert answer["stop_reason"] == "tool_use"
    assert answer["content"][0]["id"].startswith("toolu_")
    streamed = piece({"tool_calls": [call]}) + piece({}, "stop") + b"data: [DONE]\n\n"
    assert b'"stop_reason":"tool_use"' in scanner_of("openai", ANTHROPIC).feed(streamed)


def test_streamed_calls_without_an_index_are_separated_by_id() -> None:
    first = {"id": "c1", "function": {"name": "f", "arguments": "{}"}}
    second = {"id": "c2", "function": {"name": "g", "arguments": "{}"}}
    stream = piece({"tool_calls": [first]}) + piece({"tool_calls": [second]})
    found = read(scanner_of("openai", ANTHROPIC).feed(stream))
    starts = [one["content_block"] for one in found if one["type"] == "content_block_start"]
    assert [start["name"] for start in starts] == ["f", "g"]


def tool_piece(index: int | None, arguments: str, call: str = "", name: str = "") -> bytes:
    function = {"name": name, "arguments": arguments}
    return piece({"tool_calls": [{"index": index, "id": call, "function": function}]})


def blocks(raw: bytes) -> list[list[str]]:
    """The id, name and arguments of every tool call, in the order of the events."""
    made: list[list[str]] = []
    for one in read(raw):
        if one["type"] == "content_block_start" and one["content_block"]["type"] == "tool_use":
            made.append([one["content_block"]["id"], one["content_block"]["name"], ""])
        elif one["type"] == "content_block_delta" and "partial_json" in one["delta"]:
            assert one["index"] == len(made) - 1, "blocks come one after the other"
            made[-1][2] += one["delta"]["partial_json"]
    return made


END_OF_CALLS = piece({}, "tool_calls") + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [(0, '{"a":1}', "c1", "f"), (0, '{"b":2}', "c2", "g")],  # Google's: all are number 0
        [(0, "", "c1", "f"), (1, "", "c2", "g"), (0, '{"a":1}'), (1, '{"b":2}')],
        [(0, '{"a"', "c1", "f"), (1, '{"b"', "c2", "g"), (0, ":1}"), (1, ":2}")],
        [(None, '{"a":1}', "c1", "f"), (None, '{"b"', "c2", "g"), (None, ":2}")],
        [(0, '{"a":1}', "c1", "f"), (0, "", "", ""), (1, '{"b":2}', "c2", "g"), (0, " ")],
    ],
    ids=["one number", "in turns", "cut in turns", "no numbers", "empty pieces"],
)
def test_parallel_streamed_calls_are_emitted_one_after_the_other(pieces: list[Any]) -> None:
    stream = b"".join(tool_piece(*one) for one in pieces) + END_OF_CALLS
    found = blocks(scanner_of("openai", ANTHROPIC).feed(stream))
    assert found == [["c1", "f", '{"a":1}'], ["c2", "g", '{"b":2}']]


@pytest.mark.parametrize(
    "stream",
    [
        tool_piece(0, "{}", "c1", "f") + tool_piece(1, "{}", "c2", "g") + tool_piece(0, '{"a":1}'),
        tool_piece(None, '{"a":1}'),
    ],
    ids=["of a call that has ended", "of no call"],
)
def test_tool_call_piece_without_an_open_call_is_an_upstream_failure(stream: bytes) -> None:
    with pytest.raises(UpstreamFailure, match="a piece of a tool call"):
        scanner_of("openai", ANTHROPIC).feed(stream)
