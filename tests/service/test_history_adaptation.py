"""A conversation that began at one provider continues at another."""

import json

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from tests.service.fitted import said, sent

MARK = {"type": "ephemeral"}
PDF = "data:application/pdf;base64,JVBERi0="


def text(words: str, **more: object) -> dict[str, object]:
    return {"type": "text", "text": words, **more}


def call(one: str = "c1", **more: object) -> dict[str, object]:
    return {"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}, **more}


def use(one: str = "c1") -> dict[str, object]:
    return {"type": "tool_use", "id": one, "name": "f", "input": {}}


def result(one: str = "c1", content: object = "42") -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": one, "content": content}


def thought(signature: str = "") -> dict[str, object]:
    return {"type": "thinking", "thinking": "hm", "signature": signature}


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("groq", {"role", "content", "tool_calls"}),
        ("mistral", {"role", "content", "tool_calls"}),
        ("openai", {"role", "content", "tool_calls", "refusal", "annotations"}),
        (
            "vllm",
            {"role", "content", "tool_calls", "refusal", "annotations", "reasoning_content"},
        ),
    ],
)
def test_message_fields_that_the_provider_refuses_are_removed(kind: str, left: set[str]) -> None:
    """OpenAI's SDK and DeepSeek agents send every field of an answer back."""
    answer = said(
        "assistant", "x", refusal=None, annotations=[], reasoning_content="hm", tool_calls=[call()]
    )
    there, adapted = sent(
        kind, OPENAI, messages=[said("user", "hi"), answer, said("tool", "42", tool_call_id="c1")]
    )
    assert there["messages"][1].keys() == left
    assert ("messages" in adapted) is ("reasoning_content" not in left)


def test_user_message_name_is_removed_for_mistral() -> None:
    there, adapted = sent("mistral", OPENAI, messages=[said("user", "hi", name="ann")])
    assert there["messages"] == [said("user", "hi")]
    assert adapted == {"messages"}


def test_google_extra_content_of_a_tool_call_is_removed_for_other_providers() -> None:
    signed = call(extra_content={"google": {"thought_signature": "abc"}})
    talk = [said("assistant", None, tool_calls=[signed]), said("tool", "42", tool_call_id="c1")]
    there, _ = sent("groq", OPENAI, messages=talk)
    assert there["messages"][0]["tool_calls"] == [call()]


def test_tool_calls_sent_to_google_carry_a_thought_signature() -> None:
    """A call of another provider gets the signature that Google accepts as a placeholder."""
    signed = call(extra_content={"google": {"thought_signature": "abc"}})
    for made, told in ((signed, "abc"), (call(), "skip_thought_signature_validator")):
        talk = [said("assistant", None, tool_calls=[made]), said("tool", "1", tool_call_id="c1")]
        there, _ = sent("gemini", OPENAI, messages=talk)
        (back,) = there["messages"][0]["tool_calls"]
        assert back["extra_content"]["google"]["thought_signature"] == told


def test_reasoning_before_a_tool_call_is_sent_to_providers_that_require_it() -> None:
    talk = [said("user", "hi"), said("assistant", [thought(), use()]), said("user", [result()])]
    for kind, told in (("deepseek", "hm"), ("moonshot", "hm"), ("openai", None), ("groq", None)):
        there, _ = sent(kind, ANTHROPIC, messages=talk)
        assert there["messages"][1].get("reasoning_content") == told


def test_assistant_message_is_inserted_between_tool_and_user_for_mistral() -> None:
    talk = [said("user", "hi"), said("assistant", [use()]), said("user", [result(), text("on")])]
    there, adapted = sent("mistral", ANTHROPIC, messages=talk)
    assert [one["role"] for one in there["messages"]][2:] == ["tool", "assistant", "user"]
    assert "messages" in adapted
    there, _ = sent("openai", ANTHROPIC, messages=talk)
    assert [one["role"] for one in there["messages"]][2:] == ["tool", "user"]


def test_tool_call_id_too_long_for_openai_is_shortened() -> None:
    talk = [
        said("assistant", None, tool_calls=[call("x" * 41), call("y" * 40)]),
        said("tool", "42", tool_call_id="x" * 41),
    ]
    there, adapted = sent("openai", OPENAI, messages=talk)
    asked, answered = there["messages"]
    assert [len(one["id"]) for one in asked["tool_calls"]] == [40, 40]
    assert asked["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert asked["tool_calls"][1]["id"] == "y" * 40
    assert adapted == {"tool_call_id"}


def test_cache_control_is_kept_only_for_providers_that_accept_it() -> None:
    talk = [
        said("system", [text("top", cache_control=MARK)]),
        said("user", [text("hi", cache_control=MARK)]),
    ]
    there, adapted = sent("anthropic", OPENAI, messages=talk)
    assert there["system"] == [text("top", cache_control=MARK)]
    assert there["messages"] == [said("user", [text("hi", cache_control=MARK)])]
    assert adapted == set()
    for kind, told in (("openai", [text("hi")]), ("vllm", [text("hi", cache_control=MARK)])):
        assert sent(kind, OPENAI, messages=talk)[0]["messages"][1]["content"] == told


def test_only_signed_thinking_blocks_are_sent_to_anthropic() -> None:
    talk = [
        said("user", "hi"),
        said("assistant", [thought(), text("a")]),
        said("assistant", [thought()]),
        said("user", "on"),
        said("assistant", [thought("signed"), text("b")]),
        said("user", "on"),
    ]
    there, adapted = sent("anthropic", ANTHROPIC, messages=talk)
    assert [one["content"] for one in there["messages"]] == [
        "hi",
        [text("a")],
        "on",
        [thought("signed"), text("b")],
        "on",
    ]
    assert adapted == {"messages"}


@pytest.mark.parametrize(
    ("first", "thinks"), [([thought("signed")], True), ([thought()], False), ([], False)]
)
def test_thinking_stays_enabled_only_with_signed_thoughts_in_the_history(
    first: list[dict[str, object]], *, thinks: bool
) -> None:
    talk = [said("user", "hi"), said("assistant", [*first, use()]), said("user", [result()])]
    budget = {"type": "enabled", "budget_tokens": 50}
    there, adapted = sent(
        "anthropic", ANTHROPIC, messages=talk, thinking=budget, context_management={}
    )
    assert ("thinking" in there, "context_management" in there) == (thinks, thinks)
    assert ("thinking" in adapted) is not thinks


def test_thinking_is_disabled_after_tool_results_for_openai_clients() -> None:
    talk = [
        said("user", "hi"),
        said("assistant", None, tool_calls=[call()]),
        said("tool", "42", tool_call_id="c1"),
    ]
    there, adapted = sent("anthropic", OPENAI, messages=talk, reasoning_effort="high")
    assert "thinking" not in there
    assert "reasoning_effort" in adapted
    assert "thinking" in sent("anthropic", OPENAI, messages=talk[:1], reasoning_effort="high")[0]


def test_user_turn_is_inserted_before_a_leading_assistant_turn() -> None:
    there, adapted = sent(
        "anthropic", OPENAI, messages=[said("assistant", "welcome"), said("user", "hi")]
    )
    assert [one["role"] for one in there["messages"]] == ["user", "assistant", "user"]
    assert adapted == {"messages"}


def test_alternative_message_shapes_are_understood() -> None:
    odd = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    talk = [
        said("user", [{"type": "image_url", "image_url": "https://example.com/a.png"}]),
        said("user", [{"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}]),
        said("assistant", [{"type": "thinking", "thinking": "hm"}, text("x")], tool_calls=[odd]),
        said("tool", "42", tool_call_id="c1"),
        said("user", "half \ud83d"),
    ]
    there, _ = sent("anthropic", OPENAI, messages=talk)
    image, document = there["messages"][0]["content"]
    assert image["source"] == {"type": "url", "url": "https://example.com/a.png"}
    assert document["source"]["media_type"] == "application/pdf"
    assert document["title"] == "a.pdf"
    assert there["messages"][1]["content"] == [text("x"), {**use(), "input": {"a": 1}}]
    assert there["messages"][2]["content"][1] == text("half \ufffd")


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("/9j/4AAQSkZJRgAB", "image/jpeg"),
        ("iVBORw0KGgoAAAANSUhEUgAA", "image/png"),
        ("UklGRiQAAABXRUJQ", "image/webp"),
    ],
)
def test_image_media_type_is_detected_from_its_data(start: str, told: str) -> None:
    part = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{start[:8]}\n"}}
    part["image_url"] = {"url": f"data:image/gif;base64,{start[:8]}\n{start[8:]}"}
    there, adapted = sent("anthropic", OPENAI, messages=[said("user", [part])])
    source = there["messages"][0]["content"][0]["source"]
    assert source == {"type": "base64", "media_type": told, "data": start}
    assert adapted == {"messages"}


def test_split_surrogate_pair_is_passed_to_openai_clients() -> None:
    """The client joins the halves of a character that the provider split."""
    chat = decode_chat(b'{"model": "m", "stream": true, "messages": []}', OPENAI)
    scanner = CATALOGUE["anthropic"].dialects[OPENAI.format].scanner(chat)
    shown = b""
    for half in (b"\\ud83d", b"\\ude00"):
        shown += scanner.feed(
            b'data: {"type": "content_block_delta", "index": 0, '
            b'"delta": {"type": "text_delta", "text": "' + half + b'"}}\n\n'
        )
    said = [json.loads(line[6:]) for line in shown.splitlines() if line]
    halves = "".join(one["choices"][0]["delta"]["content"] for one in said)
    assert halves.encode("utf-16", "surrogatepass").decode("utf-16") == "\U0001f600"


def test_unknown_stream_event_is_passed_through() -> None:
    chat = decode_chat(b'{"model": "m", "stream": true, "messages": []}', ANTHROPIC)
    scanner = CATALOGUE["anthropic"].dialects[ANTHROPIC.format].scanner(chat)
    event = b'event: new\ndata: {"type": "new", "index": "one", "delta": [1]}\n\n'
    assert scanner.feed(event) == event


@pytest.mark.parametrize(
    ("kind", "left"), [("mistral", 2), ("moonshot", 2), ("gemini", 2), ("openai", 3), ("vllm", 3)]
)
def test_empty_assistant_message_is_removed_for_providers_that_refuse_it(
    kind: str, left: int
) -> None:
    talk = [said("user", "hi"), said("assistant", ""), said("user", "on")]
    there, adapted = sent(kind, OPENAI, messages=talk)
    assert len(there["messages"]) == left
    assert ("messages" in adapted) is (left == 2)


def test_placeholder_text_replaces_a_blank_conversation() -> None:
    there, adapted = sent("anthropic", OPENAI, messages=[said("user", " ")])
    assert there["messages"] == [said("user", [text("(no text)")])]
    assert adapted == {"messages"}


def test_null_fields_are_treated_as_absent() -> None:
    talk = [
        said("user", "hi", name=None, tool_calls=None, tool_call_id=None),
        said("assistant", [text("x", refusal=None)], tool_calls=[call()]),
        said("tool", "42", tool_call_id="c1"),
    ]
    there, adapted = sent("anthropic", OPENAI, messages=talk, max_tokens=4096.0)
    assert there["max_tokens"] == 4096
    assert adapted == {"tools"}, "those of the history"
    blocks = [{**use(), "input": {"a": None}}]
    talk = [said("user", "hi"), said("assistant", blocks), said("user", [result()])]
    talk[2]["content"] = [{**result(), "is_error": None}]
    there, _ = sent("openai", ANTHROPIC, messages=talk)
    assert there["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"a": null}'
    assert there["messages"][2]["content"] == "42"


def test_missing_reasoning_content_is_empty_for_moonshot() -> None:
    talk = [said("assistant", None, tool_calls=[call()]), said("tool", "42", tool_call_id="c1")]
    assert sent("moonshot", OPENAI, messages=talk)[0]["messages"][0]["reasoning_content"] == ""
    assert "reasoning_content" not in sent("vllm", OPENAI, messages=talk)[0]["messages"][0]


def test_trailing_assistant_message_is_a_prefix_for_mistral() -> None:
    there, _ = sent("mistral", OPENAI, messages=[said("user", "hi"), said("assistant", "{")])
    assert there["messages"][1] == said("assistant", "{", prefix=True)


def test_at_most_four_cache_control_marks_are_kept() -> None:
    talk = [said("user", [text(f"t{n}", cache_control=MARK) for n in range(6)])]
    there, adapted = sent("anthropic", OPENAI, messages=talk)
    marked = [one["text"] for one in there["messages"][0]["content"] if "cache_control" in one]
    assert marked == ["t0", "t3", "t4", "t5"]
    assert adapted == {"cache_control"}
