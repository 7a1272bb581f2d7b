"""Fields that a provider refuses are changed or removed, and reported as adapted."""

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI, ClientApi
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.encoding import Encoding
from tests.service.fitted import said, sent

PIXEL = "iVBORw0KGgo="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
IMAGE_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
MAIL = "someone@example.com"


def call(one: str, arguments: str = "{}") -> dict[str, object]:
    return {"id": one, "type": "function", "function": {"name": "f", "arguments": arguments}}


def to_anthropic(**fields: object) -> tuple[Any, set[str]]:
    return sent("anthropic", OPENAI, **fields)


def to_openai(**fields: object) -> tuple[Any, set[str]]:
    return sent("openai", ANTHROPIC, **fields)


def hashed(user: str) -> str:
    return f"user_{sha256(user.encode()).hexdigest()[:32]}"


@pytest.mark.parametrize("user", [MAIL, "a b", "u" * 300])
def test_user_that_is_not_a_plain_id_is_hashed(user: str) -> None:
    there, adapted = to_anthropic(user=user)
    assert there["metadata"] == {"user_id": hashed(user)}
    assert adapted == {"user"}
    back, adapted = to_openai(metadata={"user_id": user})
    assert back["user"] == hashed(user)
    assert len(back["user"]) <= 64
    assert adapted == {"user"}


@pytest.mark.parametrize(
    ("fields", "kept", "adapted"),
    [
        ({"temperature": 0.7, "top_p": 0.9}, {"temperature": 0.7}, {"top_p"}),
        ({"temperature": 1.7}, {"temperature": 1.0}, {"temperature"}),
        ({"top_p": 0.9}, {"top_p": 0.9}, set[str]()),
        ({"reasoning_effort": "high", "temperature": 0.5}, {}, {"temperature"}),
    ],
)
def test_only_one_sampling_parameter_is_sent_to_anthropic(
    fields: dict[str, object], kept: dict[str, float], adapted: set[str]
) -> None:
    there, changed = to_anthropic(**fields)
    assert {name: there[name] for name in ("temperature", "top_p") if name in there} == kept
    assert changed == adapted


@pytest.mark.parametrize(("stop", "told"), [(["\n", "END"], ["END"]), ("\n", None), (["a"], ["a"])])
def test_blank_stop_sequences_are_removed_for_anthropic(stop: object, told: object) -> None:
    there, _ = to_anthropic(stop=stop)
    assert there.get("stop_sequences") == told


@pytest.mark.parametrize(
    "head", ["image/jpg;base64", "image/jpeg;charset=utf-8;base64", "IMAGE/JPEG;base64"]
)
def test_image_media_types_are_normalized(head: str) -> None:
    part = {"type": "image_url", "image_url": {"url": f"data:{head},{PIXEL}"}}
    there, _ = to_anthropic(messages=[said("user", [part])])
    assert there["messages"][0]["content"][0]["source"]["media_type"] == "image/jpeg"


@pytest.mark.parametrize("one", ["functions.read:0", "call|1", "call_abc-1", "x" * 100])
@pytest.mark.parametrize(
    ("kind", "pattern"), [("anthropic", r"[a-zA-Z0-9_-]+"), ("mistral", r"[a-zA-Z0-9]{9}")]
)
def test_tool_call_ids_are_valid_for_the_provider_and_match_their_results(
    kind: str, pattern: str, one: str
) -> None:
    talk = [
        said("user", "hi"),
        said("assistant", None, tool_calls=[call(one)]),
        said("tool", "42", tool_call_id=one),
    ]
    there, _ = sent(kind, OPENAI, messages=talk)
    asked, answered = there["messages"][-2:]
    if kind == "anthropic":
        ids = {asked["content"][0]["id"], answered["content"][0]["tool_use_id"]}
    else:
        ids = {asked["tool_calls"][0]["id"], answered["tool_call_id"]}
    (found,) = ids
    assert re.fullmatch(pattern, found)


def test_anthropic_tool_ids_are_shortened_for_mistral() -> None:
    use: dict[str, object] = {
        "type": "tool_use",
        "id": "toolu_01A09q90qw90lq917835lq9",
        "name": "f",
        "input": {},
    }
    result: dict[str, object] = {"type": "tool_result", "tool_use_id": use["id"], "content": "42"}
    talk = [said("user", "hi"), said("assistant", [use]), said("user", [result])]
    there, adapted = sent("mistral", ANTHROPIC, messages=talk)
    assert len(there["messages"][1]["tool_calls"][0]["id"]) == 9
    assert there["messages"][2]["tool_call_id"] == there["messages"][1]["tool_calls"][0]["id"]
    assert adapted == {"tool_call_id"}


@pytest.mark.parametrize("kind", ["mistral", "vllm", "ollama", "openai-compatible", "groq"])
def test_developer_role_becomes_system_where_unsupported(kind: str) -> None:
    talk = [said("developer", "Be brief."), said("user", 'a "developer"')]
    there, _ = sent(kind, OPENAI, messages=talk)
    assert there["messages"] == [said("system", "Be brief."), talk[1]]


def test_developer_role_is_kept_for_openai() -> None:
    talk = [said("developer", "Be brief.")]
    assert sent("openai", OPENAI, messages=talk)[0]["messages"] == talk


def test_unsupported_fields_are_removed_or_renamed_for_mistral() -> None:
    fields: dict[str, object] = {
        "store": True,
        "verbosity": "low",
        "logit_bias": {},
        "seed": 1,
        "user": "u",
    }
    there, adapted = sent("mistral", OPENAI, **fields)
    assert there.keys() == {"model", "messages", "random_seed"}
    assert adapted == {"verbosity", "logit_bias"}


def test_tool_schema_always_has_type_object() -> None:
    tools: list[dict[str, object]] = [
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "g", "parameters": {"properties": {"a": {}}}}},
    ]
    there, _ = to_anthropic(tools=tools)
    assert [tool["input_schema"]["type"] for tool in there["tools"]] == ["object", "object"]
    assert there["tools"][1]["input_schema"]["properties"] == {"a": {}}


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        ([said("system", "only")], [said("user", [{"type": "text", "text": "only"}])]),
        (
            [said("user", "hi"), said("assistant", "  "), said("user", "on")],
            [said("user", [{"type": "text", "text": "hi"}, {"type": "text", "text": "on"}])],
        ),
        (
            [said("user", "hi"), said("assistant", "so far ")],
            [
                said("user", [{"type": "text", "text": "hi"}]),
                said("assistant", [{"type": "text", "text": "so far"}]),
            ],
        ),
    ],
    ids=["system alone", "white space alone", "white space at the end"],
)
def test_blank_texts_and_trailing_spaces_are_fixed_for_anthropic(
    talk: object, told: object
) -> None:
    assert to_anthropic(messages=talk)[0]["messages"] == told


def test_tool_calls_and_results_are_paired_for_anthropic() -> None:
    talk = [
        said("user", "hi"),
        said("assistant", None, tool_calls=[call("c1"), call("c2", "no json")]),
        said("tool", "two", tool_call_id="c2"),
        said("tool", "stray", tool_call_id="c9"),
        said("user", "go on"),
        said("assistant", None, tool_calls=[call("c3")]),
    ]
    there, adapted = to_anthropic(messages=talk)
    assert adapted == {"messages", "tools"}
    assert there["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert there["tool_choice"] == {"type": "none"}
    _, asked, answered, last, missing = there["messages"]
    assert asked["content"][1]["input"] == {"arguments": "no json"}
    assert [block.get("tool_use_id", block["type"]) for block in answered["content"]] == [
        "c1",
        "c2",
        "text",
        "text",
    ]
    assert answered["content"][2]["text"] == "stray"
    assert last["content"][0]["id"] == missing["content"][0]["tool_use_id"] == "c3"


def test_tool_calls_and_results_are_paired_for_openai() -> None:
    uses: list[dict[str, object]] = [
        {"type": "tool_use", "id": one, "name": "f", "input": {}} for one in ("c1", "c2")
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "c2", "content": "two", "is_error": True},
        {"type": "tool_result", "tool_use_id": "c9", "content": "stray"},
    ]
    talk = [said("user", "hi"), said("assistant", uses), said("user", results), said("user", "on")]
    there, adapted = to_openai(messages=talk)
    told = [(one["role"], one.get("tool_call_id"), one["content"]) for one in there["messages"]]
    assert told[2:] == [
        ("tool", "c2", "Error: two"),
        ("tool", "c1", "(no result)"),
        ("user", None, "stray"),
        ("user", None, "on"),
    ]
    assert adapted == {"messages"}


def test_images_in_tool_results_are_translated() -> None:
    use: dict[str, object] = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [IMAGE]}
    talk = [said("user", "look"), said("assistant", [use]), said("user", [result])]
    there, _ = to_openai(messages=talk)
    assert [one["role"] for one in there["messages"]] == ["user", "assistant", "tool", "user"]
    assert there["messages"][3]["content"] == [IMAGE_PART]
    talk = [
        said("user", "look"),
        said("assistant", None, tool_calls=[call("c1")]),
        said("tool", [{"type": "text", "text": "the file"}, IMAGE_PART], tool_call_id="c1"),
    ]
    back, _ = to_anthropic(messages=talk)
    assert back["messages"][2]["content"][0]["content"][1] == IMAGE


def test_anthropic_document_becomes_an_openai_file() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    there, _ = to_openai(messages=[said("user", [{"type": "document", "source": source}])])
    (part,) = there["messages"][0]["content"]
    assert part["file"]["file_data"] == "data:application/pdf;base64,JVBERi0="


def test_system_messages_inside_a_conversation_keep_their_place() -> None:
    talk = [said("user", "hi"), said("system", [{"type": "text", "text": "SKILLS"}])]
    there, _ = to_openai(system="TOP", messages=talk)
    assert [one["content"] for one in there["messages"]] == ["TOP", "hi", "SKILLS"]


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"output_config": {"effort": "high"}}, "high"),
        ({"output_config": {"effort": "max"}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 20000}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}}, None),
    ],
)
def test_thinking_settings_become_reasoning_effort_for_openai(
    fields: dict[str, object], effort: str | None
) -> None:
    assert to_openai(**fields)[0].get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("effort", "most", "budget"),
    [("high", 8000, 4000), ("low", 8000, 1024), ("minimal", 8000, None), ("high", 1000, None)],
)
def test_reasoning_effort_becomes_a_thinking_budget_for_anthropic(
    effort: str, most: int, budget: int | None
) -> None:
    there, adapted = to_anthropic(reasoning_effort=effort, max_completion_tokens=most)
    assert there.get("thinking", {}).get("budget_tokens") == budget
    assert ("reasoning_effort" in adapted) is (budget is None)


def test_refused_field_added_by_the_gateway_is_omitted() -> None:
    document = {"model": "m", "messages": [said("user", "hi")], "stream": True}
    chat = decode_chat(json.dumps(document).encode(), OPENAI)
    how = Encoding(frozenset(("stream_options",)))
    body = CATALOGUE["vllm"].dialects[OPENAI.format].encode(chat, "up", how)
    assert b"stream_options" not in body
    assert how.added == set()


def test_server_side_tools_are_removed_for_openai() -> None:
    tools = [
        {"type": "web_search_20250305", "name": "web_search"},
        {"name": "f", "input_schema": {"type": "object"}},
    ]
    there, adapted = to_openai(tools=tools)
    assert [tool["function"]["name"] for tool in there["tools"]] == ["f"]
    assert adapted == {"tools"}


@pytest.mark.parametrize("name", ["mcp__" + "server" * 30, "functions.read", "les\u00e9"])
@pytest.mark.parametrize(("kind", "client"), [("openai", ANTHROPIC), ("anthropic", OPENAI)])
def test_renamed_tools_get_their_original_names_in_answers(
    kind: str, client: ClientApi, name: str
) -> None:
    function = {"name": name, "description": "d"}
    tool = (
        {"type": "function", "function": function}
        if client is OPENAI
        else {**function, "input_schema": {"type": "object"}}
    )
    chat = decode_chat(
        json.dumps(
            {"model": "m", "max_tokens": 9, "messages": [said("user", "hi")], "tools": [tool]}
        ).encode(),
        client,
    )
    how = Encoding()
    dialect = CATALOGUE[kind].dialects[client.format]
    there = json.loads(dialect.encode(chat, "up", how))["tools"][0]
    told = there["function"]["name"] if client is ANTHROPIC else there["name"]
    longest = 64 if client is ANTHROPIC else 128
    assert re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{longest}}}", told)
    whole: dict[str, object]
    piece: dict[str, object]
    if client is ANTHROPIC:
        calls = [{"id": "c1", "type": "function", "function": {"name": told, "arguments": "{}"}}]
        choice = {"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}
        whole = {"choices": [choice]}
        piece = {"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}
    else:
        block: dict[str, object] = {"type": "tool_use", "id": "c1", "name": told, "input": {}}
        whole = {"type": "message", "content": [block], "stop_reason": "tool_use"}
        piece = {"type": "content_block_start", "index": 0, "content_block": block}
    answer = dialect.answer(json.dumps(whole).encode(), how.names).body
    scanner = dialect.scanner(chat, how.names)
    shown = scanner.feed(b"data: " + json.dumps(piece).encode() + b"\n\n")
    for text in (answer, shown):
        assert json.dumps(name, ensure_ascii=False).encode() in text
        if told != name:
            assert told.encode() not in text


@pytest.mark.parametrize(
    ("kind", "told"), [("openai", MAIL), ("groq", hashed(MAIL)), ("vllm", hashed(MAIL))]
)
def test_email_addresses_are_hashed_for_providers_other_than_openai(kind: str, told: str) -> None:
    assert sent(kind, OPENAI, user=MAIL)[0]["user"] == told
    assert sent(kind, OPENAI, user="u-1")[0]["user"] == "u-1"
