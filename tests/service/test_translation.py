"""Translation of requests and answers between the two formats."""

import json
from typing import Any

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI, ClientApi
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.dialect import Dialect, StreamScanner, Untranslatable
from service.providers.encoding import Encoding
from service.providers.failures import UpstreamFailure

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


def test_tool_conversation_is_translated_to_anthropic() -> None:
    made = to_anthropic(
        messages=[
            {"role": "system", "content": "one"},
            {"role": "developer", "content": [{"type": "text", "text": "two"}]},
            user("hello"),
            {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            user("and now?"),
        ]
    )
    assert made["system"] == "one\n\ntwo"
    assert made["messages"] == [
        user([{"type": "text", "text": "hello"}]),
        {"role": "assistant", "content": [ANTHROPIC_CALL]},
        user(
            [
                {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
                {"type": "text", "text": "and now?"},
            ]
        ),
    ]


def test_tool_conversation_is_translated_to_openai() -> None:
    made = to_openai(
        system=[{"type": "text", "text": "one"}],
        messages=[
            user("hello"),
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm"}, ANTHROPIC_CALL],
            },
            user(
                [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
                    {"type": "text", "text": "and now?"},
                ]
            ),
        ],
    )
    assert made["messages"] == [
        {"role": "system", "content": "one"},
        user("hello"),
        {"role": "assistant", "content": None, "tool_calls": [{**OPENAI_CALL}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        user([{"type": "text", "text": "and now?"}]),
    ]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://a/b.png", {"type": "url", "url": "https://a/b.png"}),
        (
            f"data:image/png;base64,{PIXEL}",
            {"type": "base64", "media_type": "image/png", "data": PIXEL},
        ),
    ],
)
def test_images_are_translated_in_both_directions(url: str, source: dict[str, str]) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    block = {"type": "image", "source": source}
    assert to_anthropic(messages=[user([part])])["messages"] == [user([block])]
    assert to_openai(messages=[user([block])])["messages"] == [user([part])]


@pytest.mark.parametrize(
    ("openai", "anthropic"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_tools_and_tool_choice_are_translated_in_both_directions(
    openai: object, anthropic: object
) -> None:
    function = {"name": "f", "description": "does f", "parameters": SCHEMA}
    tool = {"name": "f", "description": "does f", "input_schema": SCHEMA}
    there = to_anthropic(
        messages=[user("x")], tools=[{"type": "function", "function": function}], tool_choice=openai
    )
    assert (there["tools"], there["tool_choice"]) == ([tool], anthropic)
    back = to_openai(messages=[user("x")], tools=[tool], tool_choice=anthropic)
    assert back["tools"] == [{"type": "function", "function": function}]
    assert back["tool_choice"] == openai


def test_parameters_are_translated_in_both_directions() -> None:
    made = to_anthropic(
        messages=[user("x")], max_completion_tokens=5, temperature=1.7, stop="end", user="u1"
    )
    assert (made["max_tokens"], made["temperature"]) == (5, 1.0)
    assert made["stop_sequences"] == ["end"]
    assert made["metadata"] == {"user_id": "u1"}
    back = to_openai(
        messages=[user("x")], temperature=0.0, stop_sequences=["end"], metadata={"user_id": "u1"}
    )
    assert (back["temperature"], back["stop"]) == (0.0, ["end"])
    assert back["max_completion_tokens"] == 9
    assert back["user"] == "u1"


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"n": 2}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"tools": [{"type": "custom", "custom": {}}]}, "tools"),
    ({"messages": [user([{"type": "input_audio"}])]}, "messages"),
    ({"messages": [{"role": "narrator", "content": "x"}]}, "messages"),
    ({"messages": "x"}, "messages"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"messages": [{"role": "tool", "content": [{"type": "image_url"}]}]}, "messages"),
    (
        {"messages": [user([{"type": "image_url", "image_url": {"url": "ftp://x"}}])]},
        "messages",
    ),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
def test_openai_features_without_an_anthropic_counterpart_are_refused(
    fields: dict[str, object], param: str
) -> None:
    with pytest.raises(Untranslatable) as raised:
        to_anthropic(**{"messages": [user("x")], **fields})
    assert raised.value.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [user([{"type": "document"}])]},
        {"messages": [user("x")], "max_tokens": "many"},
        {"messages": [user("x")], "output_format": {"type": "other"}},
        {"messages": [user("x")], "mcp_servers": [{"name": "one"}]},
        {"messages": [user([{"type": "image", "source": {"type": "file"}}])]},
    ],
)
def test_anthropic_features_without_an_openai_counterpart_are_refused(
    fields: dict[str, object],
) -> None:
    with pytest.raises(Untranslatable):
        to_openai(**{"messages": [user("x")], **fields})


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


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
THINKING_STREAMS: dict[str, list[dict[str, object]]] = {
    "Mistral": [{"content": [THOUGHT]}, {"content": [{"type": "text", "text": "4"}]}],
    "DeepSeek": [{"reasoning_content": "hm"}, {"content": "4"}],
    "newer vLLM": [{"reasoning": "hm"}, {"content": "4"}],
}


@pytest.mark.parametrize("whose", THINKING_STREAMS)
@pytest.mark.parametrize("wanted", [True, False])
def test_reasoning_reaches_anthropic_clients_that_enable_thinking(
    whose: str,
    wanted: bool,  # noqa: FBT001 - a parameter
) -> None:
    fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if wanted else {}
    scanner = scanner_of("mistral", ANTHROPIC, **fields)
    stream = b"".join(piece(delta) for delta in THINKING_STREAMS[whose]) + piece({"content": "2"})
    found = read(scanner.feed(stream + piece({}, "stop") + b"data: [DONE]\n\n"))
    kinds = [one["content_block"]["type"] for one in found if one["type"] == "content_block_start"]
    deltas = [one["delta"] for one in found if one["type"] == "content_block_delta"]
    assert kinds == (["thinking", "text"] if wanted else ["text"])
    assert "".join(delta.get("text", "") for delta in deltas) == "42"
    assert "".join(delta.get("thinking", "") for delta in deltas) == ("hm" if wanted else "")


@pytest.mark.parametrize(
    "message",
    [
        {"content": [THOUGHT, {"type": "text", "text": "42"}]},
        {"content": "42", "reasoning_content": "hm"},
    ],
)
def test_plain_answer_with_reasoning_is_a_thinking_and_a_text_block(
    message: dict[str, object],
) -> None:
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    content = json.loads(spoken("mistral", ANTHROPIC).answer(body).body)["content"]
    assert [block["type"] for block in content] == ["thinking", "text"]
    assert (content[0]["thinking"], content[1]["text"]) == ("hm", "42")


@pytest.mark.parametrize(
    "shape",
    [
        {"object": "error", "message": "too large"},
        {"error": "too large"},
        {"detail": "too large"},
        {"detail": [{"loc": ["body"], "msg": "too large"}]},
        [{"error": {"code": 400, "message": "too large"}}],
        {"error": {"message": "too large"}},
    ],
)
def test_error_message_of_a_refusal_is_translated(shape: object) -> None:
    body = json.dumps(shape).encode()
    assert b'"message":"too large"' in spoken("vllm", ANTHROPIC).refusal(400, body)
    assert b'"message":"too large"' in spoken("anthropic", OPENAI).refusal(400, body)


def test_split_surrogate_pair_is_passed_to_anthropic_clients() -> None:
    halves = b"".join(
        b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % half
        for half in (rb"\ud83d", rb"\ude00")
    )
    found = read(scanner_of("openai", ANTHROPIC).feed(halves))
    texts = [one["delta"]["text"] for one in found if one["type"] == "content_block_delta"]
    whole = "".join(texts).encode("utf-16", "surrogatepass").decode("utf-16")
    assert whole == "\U0001f600"


def test_empty_model_of_the_first_azure_chunk_is_skipped() -> None:
    stream = chunk(choices=[], id="", model="") + piece({"content": "hi"})
    found = read(scanner_of("azure-openai", ANTHROPIC).feed(stream))
    assert found[0]["message"]["model"] == "gpt"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("openai", "max_completion_tokens"),
        ("azure-openai", "max_completion_tokens"),
        ("groq", "max_tokens"),
        ("mistral", "max_tokens"),
    ],
)
def test_max_tokens_field_has_the_name_the_provider_expects(kind: str, field: str) -> None:
    document = {
        "model": "m",
        "max_tokens": 9,
        "messages": [user("x")],
        "metadata": {"user_id": "u"},
    }
    call = decode_chat(json.dumps(document).encode(), ANTHROPIC)
    sent = json.loads(spoken(kind, ANTHROPIC).encode(call, "x", Encoding()))
    assert sent[field] == 9
    assert ("user" in sent) is (kind != "mistral")


def test_openai_fields_are_renamed_or_removed_for_mistral() -> None:
    document: dict[str, object] = {
        "model": "m",
        "messages": [],
        "stream": True,
        "max_completion_tokens": 5,
        "seed": 1,
        "stream_options": {"include_usage": True},
    }
    call = decode_chat(json.dumps(document).encode(), OPENAI)
    sent = json.loads(spoken("mistral", OPENAI).encode(call, "mistral-small", Encoding()))
    assert sent == {
        "model": "mistral-small",
        "messages": [],
        "stream": True,
        "max_tokens": 5,
        "random_seed": 1,
    }


def test_usage_in_the_last_chunk_is_sent_only_if_requested() -> None:
    end = chunk(
        choices=[{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}],
        usage={"prompt_tokens": 5, "completion_tokens": 7},
    )
    scanner = scanner_of("mistral", OPENAI, stream_options={"include_usage": True})
    found = read(scanner.feed(end + b"data: [DONE]\n\n"))
    assert [one["choices"] == [] for one in found] == [False, True]
    assert found[-1]["usage"]["completion_tokens"] == 7
    unasked = scanner_of("mistral", OPENAI)
    assert len(read(unasked.feed(end + b"data: [DONE]\n\n"))) == 1
    assert unasked.usage.completion == 7


def test_plain_answers_with_tool_calls_are_translated_in_both_directions() -> None:
    message = {
        "id": "m1",
        "type": "message",
        "model": "claude",
        "content": [{"type": "text", "text": "see"}, ANTHROPIC_CALL],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }
    there = json.loads(spoken("anthropic", OPENAI).answer(json.dumps(message).encode()).body)
    assert there["choices"][0]["message"]["tool_calls"] == [OPENAI_CALL]
    assert there["choices"][0]["finish_reason"] == "tool_calls"
    assert there["usage"]["total_tokens"] == 12
    back = json.loads(spoken("openai", ANTHROPIC).answer(json.dumps(there).encode()).body)
    assert back["content"] == message["content"]
    assert back["stop_reason"] == "tool_use"


def calls_of(found: list[Any]) -> list[tuple[str, str]]:
    """The names and arguments of the tool calls in a stream of events."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for one in found:
        if one["type"] == "content_block_start":
            names[one["index"]] = one["content_block"]["name"]
        elif one["type"] == "content_block_delta":
            index = one["index"]
            arguments[index] = arguments.get(index, "") + one["delta"]["partial_json"]
    return [(names[index], arguments.get(index, "")) for index in sorted(names)]


def called(name: str | None, arguments: str, index: int | None = 0, one: str = "") -> bytes:
    function = {"name": name, "arguments": arguments}
    return piece({"tool_calls": [{"index": index, "id": one, "function": function}]})


CALLING_STREAMS = {
    "a character that is cut in two, and another call": (
        called("f", '{"a":"\ud83d', 0, "c1"),
        called(None, '\ude00"}', 0),
        called("g", "{}", 1, "c2"),
    ),
    "names alone tell calls apart": (called("f", '{"a":1}'), called("g", "{}")),
    "the name before the id": (
        called("f", ""),
        called(None, '{"a":1}', 0, "c1"),
        called("g", "{}", 1, "c2"),
    ),
}


@pytest.mark.parametrize("how", CALLING_STREAMS)
def test_two_streamed_calls_stay_separate_in_every_encoding(how: str) -> None:
    scanner = scanner_of("vllm", ANTHROPIC)
    stream = b"".join(CALLING_STREAMS[how]) + piece({}, "tool_calls") + b"data: [DONE]\n\n"
    (first, second) = calls_of(read(scanner.feed(stream)))
    assert (first[0], second) == ("f", ("g", "{}"))
    assert isinstance(json.loads(first[1]), dict)


def test_choice_without_an_index_is_the_first() -> None:
    scanner = scanner_of("vllm", ANTHROPIC)
    one = {"index": None, "delta": {"content": "hi"}, "finish_reason": "stop"}
    assert b"hi" in scanner.feed(chunk(choices=[one]) + b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("null", {}),
        (" ", {}),
        ({"a": 1}, {"a": 1}),
        ("[1]", {"arguments": "[1]"}),
        ("half {", {"arguments": "half {"}),
    ],
)
def test_tool_call_input_is_always_an_object(arguments: object, told: object) -> None:
    function = {"name": "f", "arguments": arguments}
    message = {"content": None, "tool_calls": [{"id": "c1", "function": function}]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    (use,) = json.loads(spoken("vllm", ANTHROPIC).answer(body).body)["content"]
    assert use["input"] == told


def test_call_without_a_block_stop_event_keeps_its_arguments() -> None:
    block = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    stream = events(
        {"type": "message_start", "message": {"id": "m1"}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )
    told = read(scanner_of("anthropic", OPENAI).feed(stream))
    calls = [one["choices"][0]["delta"].get("tool_calls") for one in told]
    arguments = [one[0]["function"]["arguments"] for one in calls if one]
    assert json.loads("".join(arguments)) == {"a": 1}


def test_null_text_block_is_ignored() -> None:
    content = [{"type": "text", "text": None}, {"type": "text", "text": "hi"}]
    body = json.dumps({"type": "message", "content": content, "stop_reason": "end_turn"}).encode()
    answer = json.loads(spoken("anthropic", OPENAI).answer(body).body)
    assert answer["choices"][0]["message"]["content"] == "hi"
