"""A plain answer assembled from a stream equals the provider's own plain answer."""

import json
from typing import Any

import pytest

from service.providers.catalogue import CATALOGUE
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

HEAD = {"id": "c1", "created": 1, "model": "up", "system_fingerprint": "fp"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def chunk(**fields: object) -> bytes:
    document = {**HEAD, "object": "chat.completion.chunk", **fields}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def piece(delta: object, end: str | None = None, index: int = 0, **more: object) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": end, **more}
    return chunk(choices=[choice])


def call(index: int, arguments: str, one: str = "", name: str = "") -> dict[str, object]:
    made: dict[str, Any] = {"index": index, "function": {"arguments": arguments}}
    if one:
        made |= {"id": one, "type": "function"}
        made["function"]["name"] = name
    return {"tool_calls": [made]}


END = chunk(choices=[], usage=USAGE) + b"data: [DONE]\n\n"


def gathered(kind: str, stream: bytes, size: int = 7) -> Any:  # noqa: ANN401 - JSON
    gatherer = CATALOGUE[kind].gatherer()
    for start in range(0, len(stream), size):
        gatherer.feed(stream[start : start + size])
    if not gatherer.progress.done:
        gatherer.feed(b"")
    return json.loads(gatherer.body())


def test_text_with_logprobs_and_usage_is_assembled() -> None:
    one, two = ({"token": text, "logprob": -0.1} for text in ("4", "2"))
    stream = (
        piece({"role": "assistant", "content": "", "refusal": None})
        + piece({"content": "4"}, logprobs={"content": [one], "refusal": None})
        + piece({"content": "2"}, logprobs={"content": [two], "refusal": None})
        + piece({}, "stop")
        + END
    )
    assert gathered("openai", stream) == {
        **HEAD,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "42", "refusal": None},
                "logprobs": {"content": [one, two], "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }


def test_interleaved_pieces_of_parallel_calls_are_assembled() -> None:
    stream = (
        piece({"role": "assistant", "content": None, **call(0, "", "c1", "f")})
        + piece(call(1, "", "c2", "g"))
        + piece(call(0, '{"a":'))
        + piece(call(1, '{"b":'))
        + piece(call(0, "1}"))
        + piece(call(1, "2}"))
        + piece({}, "tool_calls")
        + END
    )
    (choice,) = gathered("openai", stream)["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": one, "type": "function", "function": {"name": name, "arguments": text}}
            for one, name, text in (("c1", "f", '{"a":1}'), ("c2", "g", '{"b":2}'))
        ],
    }


def test_calls_with_the_same_index_are_separated_by_id() -> None:
    stream = piece(call(0, "{}", "c1", "f")) + piece(call(0, "{}", "c2", "g"))
    (choice,) = gathered("groq", stream + piece({}, "tool_calls") + END)["choices"]
    assert [one["id"] for one in choice["message"]["tool_calls"]] == ["c1", "c2"]


def test_several_choices_with_reasoning_are_assembled() -> None:
    stream = (
        piece({"role": "assistant", "reasoning_content": "h"}, index=1)
        + piece({"role": "assistant", "content": "a"})
        + piece({"reasoning_content": "m", "content": "b"}, index=1)
        + piece({}, "stop", index=1)
        + piece({}, "length")
        + END
    )
    first, second = gathered("openai", stream)["choices"]
    assert (first["message"]["content"], first["finish_reason"]) == ("a", "length")
    assert second["message"]["reasoning_content"] == "hm"


def test_content_parts_are_assembled() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    stream = piece({"content": parts}) + piece({"content": "42"}) + piece({}, "stop") + END
    (choice,) = gathered("mistral", stream)["choices"]
    assert choice["message"]["content"] == [*parts, {"type": "text", "text": "42"}]


def event(**fields: object) -> bytes:
    return f"event: {fields['type']}\ndata: {json.dumps(fields)}\n\n".encode()


def test_anthropic_message_with_thinking_and_tool_use_is_assembled() -> None:
    used = {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1}
    message = {"id": "m1", "type": "message", "role": "assistant", "model": "claude"}
    blocks: list[tuple[dict[str, object], list[dict[str, object]]]] = [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": "s1"},
            ],
        ),
        (
            {"type": "text", "text": ""},
            [{"type": "text_delta", "text": "4"}, {"type": "text_delta", "text": "2"}],
        ),
        (
            {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
            [
                {"type": "input_json_delta", "partial_json": '{"a":'},
                {"type": "input_json_delta", "partial_json": "1}"},
            ],
        ),
    ]
    stream = event(
        type="message_start",
        message={**message, "content": [], "stop_reason": None, "usage": used},
    )
    for index, (block, deltas) in enumerate(blocks):
        stream += event(type="content_block_start", index=index, content_block=block)
        for delta in deltas:
            stream += event(type="content_block_delta", index=index, delta=delta)
        stream += event(type="content_block_stop", index=index)
    stream += event(
        type="message_delta",
        delta={"stop_reason": "tool_use", "stop_sequence": None},
        usage={"output_tokens": 7},
    )
    assert gathered("anthropic", stream + event(type="message_stop")) == {
        **message,
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s1"},
            {"type": "text", "text": "42"},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {**used, "output_tokens": 7},
    }


@pytest.mark.parametrize(
    ("kind", "stream"),
    [
        ("openai", piece({"content": "half"})),
        ("anthropic", event(type="message_start", message={"id": "m1"})),
    ],
)
def test_incomplete_stream_is_a_cut(kind: str, stream: bytes) -> None:
    gatherer = CATALOGUE[kind].gatherer()
    gatherer.feed(stream)
    with pytest.raises(UpstreamFailure) as caught:
        gatherer.feed(b"")
    assert caught.value.symptom is Symptom.CUT


def named(name: str, arguments: str, **more: object) -> dict[str, object]:
    return {"tool_calls": [{"function": {"name": name, "arguments": arguments}, **more}]}


def test_calls_without_ids_are_separated_by_name() -> None:
    stream = piece(named("f", "{}", index=0, id="")) + piece(named("g", '{"b":1}', index=0, id=""))
    message = gathered("openai", stream + piece({}, "tool_calls") + END)["choices"][0]["message"]
    told = [
        (one["function"]["name"], one["function"]["arguments"]) for one in message["tool_calls"]
    ]
    assert told == [("f", "{}"), ("g", '{"b":1}')]


def test_calls_without_an_index_are_appended_and_indexed_calls_are_sorted() -> None:
    rest = {"tool_calls": [{"function": {"arguments": "1}"}}]}
    stream = piece(named("f", '{"a":', id="c1")) + piece(rest) + piece({}, "tool_calls") + END
    (only,) = gathered("openai", stream)["choices"][0]["message"]["tool_calls"]
    assert only["function"] == {"name": "f", "arguments": '{"a":1}'}
    stream = piece(call(1, "{}", "c2", "g")) + piece(call(0, "{}", "c1", "f"))
    message = gathered("openai", stream + piece({}, "tool_calls") + END)["choices"][0]["message"]
    assert [one["id"] for one in message["tool_calls"]] == ["c1", "c2"]


def test_consecutive_parts_of_one_type_are_merged() -> None:
    def thought(words: str) -> dict[str, object]:
        part = {"type": "thinking", "thinking": [{"type": "text", "text": words}]}
        return {"content": [part]}

    stream = piece(thought("Ok")) + piece(thought(" so")) + piece({"content": "The"})
    stream += piece({"content": " answer"}) + piece({}, "stop") + END
    assert gathered("mistral", stream)["choices"][0]["message"]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Ok so"}]},
        {"type": "text", "text": "The answer"},
    ]


def test_empty_last_chunk_does_not_overwrite_fields() -> None:
    filtered = {"hate": {"filtered": False}}
    stream = (
        piece({"content": "hi"}, content_filter_results=filtered)
        + piece({}, "stop", content_filter_results={})
        + chunk(choices=[], id="", created=0, model="", obfuscation="xyz", usage=USAGE)
        + b"data: [DONE]\n\n"
    )
    made = gathered("azure-openai", stream)
    assert {name: made[name] for name in HEAD} == HEAD
    assert "obfuscation" not in made
    assert made["choices"][0]["content_filter_results"] == filtered


def test_repeated_executed_tools_keep_the_last_value() -> None:
    """Groq sends each executed tool twice: before and after its result."""
    ran = {"index": 0, "type": "search", "arguments": '{"q":1}'}
    stream = piece({"content": "x", "executed_tools": [ran]})
    stream += piece({"executed_tools": [{**ran, "output": "found"}]}) + piece({}, "stop") + END
    message = gathered("groq", stream)["choices"][0]["message"]
    assert message["executed_tools"] == [{**ran, "output": "found"}]


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        ("openai", [{"choices": [{"index": "x", "delta": {"content": "x"}}]}]),
        ("openai", [{"choices": [{"index": 0, "delta": {"content": 7}}]}] * 2),
        (
            "anthropic",
            [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": [1]}}],
        ),
    ],
)
def test_invalid_stream_chunk_is_a_malformed_upstream_answer(
    kind: str, events: list[dict[str, object]]
) -> None:
    gatherer = CATALOGUE[kind].gatherer()
    stream = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events)
    with pytest.raises(UpstreamFailure) as failed:
        gatherer.feed(stream)
    assert failed.value.symptom is Symptom.MALFORMED


def test_extra_fields_of_message_delta_are_kept() -> None:
    told: list[dict[str, object]] = [
        {"type": "message_start", "message": {"id": "m1", "role": "assistant", "content": []}},
        {"type": "content_block_start", "content_block": {"type": "compaction", "content": None}},
        {"type": "content_block_delta", "delta": {"type": "compaction_delta", "content": "short"}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "context_management": {"applied_edits": []},
        },
        {"type": "message_stop"},
    ]
    stream = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told)
    made = gathered("anthropic", b"\xef\xbb\xbf" + stream)
    assert made["content"] == [{"type": "compaction", "content": "short"}]
    assert made["context_management"] == {"applied_edits": []}


def test_tool_call_id_may_arrive_after_its_name() -> None:
    stream = piece(named("f", "", index=0))
    stream += piece({"tool_calls": [{"index": 0, "id": "c1", "function": {"arguments": "{}"}}]})
    (only,) = gathered("openai", stream + piece({}, "tool_calls") + END)["choices"][0]["message"][
        "tool_calls"
    ]
    assert only == {"id": "c1", "function": {"name": "f", "arguments": "{}"}}
