"""Translation of answers, thoughts and errors between the two formats."""

import json
from typing import Any

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI
from service.pipeline.stages.decode import decode_chat
from service.providers.encoding import Encoding
from tests.service.translation_kit import (
    ANTHROPIC_CALL,
    OPENAI_CALL,
    chunk,
    events,
    piece,
    read,
    scanner_of,
    spoken,
    user,
)

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
