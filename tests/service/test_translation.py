"""Translation of requests and answers between the two formats."""

import pytest

from service.providers.dialect import Untranslatable
from tests.service.translation_kit import (
    ANTHROPIC_CALL,
    OPENAI_CALL,
    PIXEL,
    SCHEMA,
    to_anthropic,
    to_openai,
    user,
)


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
