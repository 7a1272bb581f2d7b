"""Tools, schemas and calls are adapted to the provider."""

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI
from service.providers.encoding import Encoding
from service.providers.schemas import fit_schema
from tests.service.fitted import said, sent
from tests.service.test_history_adaptation import call, result, text, use


def test_server_side_tool_blocks_are_removed_or_become_text() -> None:
    found = {
        "type": "search_result",
        "source": "https://example.com",
        "title": "A page",
        "content": [text("what it says")],
    }
    parts = {"type": "document", "source": {"type": "content", "content": [text("a note")]}}
    searched = [
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": {"type": "web_search_tool_result_error", "error_code": "x"},
        },
        text("found"),
        use(),
    ]
    talk = [
        said("user", [text("hi"), found, parts]),
        said("assistant", searched),
        said("user", [result(content=[found])]),
    ]
    there, adapted = sent("openai", ANTHROPIC, messages=talk)
    user, model, tool = there["messages"]
    assert [one["text"] for one in user["content"]] == [
        "hi",
        "A page https://example.com\nwhat it says",
        "a note",
    ]
    assert model["content"] == "found"
    assert tool["content"].endswith("what it says")
    assert adapted == {"messages"}


def test_parameters_without_a_counterpart_are_dropped_and_reported() -> None:
    talk = [said("user", "hi")]
    there, adapted = sent(
        "anthropic",
        OPENAI,
        messages=talk,
        seed=1,
        frequency_penalty=0.5,
        presence_penalty=0,
        prediction={"type": "content", "content": "x"},
        store=True,
        logprobs=False,
    )
    assert there.keys() == {"model", "messages", "max_tokens"}
    assert adapted == {"seed", "frequency_penalty", "prediction"}
    there, adapted = sent(
        "openai", ANTHROPIC, messages=talk, top_k=5, service_tier="auto", stop_sequences=[*"abcde"]
    )
    assert there["stop"] == [*"abcd"]
    assert adapted == {"top_k", "stop_sequences"}


def test_union_schema_is_merged_into_one_object_schema() -> None:
    how = Encoding()
    one = {
        "type": "object",
        "properties": {"a": {"type": "array"}, "k": {}},
        "required": ["a", "k"],
    }
    other = {"properties": {"b": {"type": "string", "enum": ["array"]}, "k": {}}, "required": ["k"]}
    assert fit_schema({"anyOf": [one, other], "description": "d"}, how) == {
        "type": "object",
        "description": "d",
        "properties": {
            "a": {"type": "array", "items": {}},
            "b": {"type": "string", "enum": ["array"]},
            "k": {},
        },
        "required": ["k"],
    }
    assert how.adapted == {"tools"}
    how = Encoding()
    assert fit_schema(None, how) == {"type": "object", "properties": {}}
    assert fit_schema({"allOf": [one], "required": ["x"]}, how)["required"] == ["a", "k"]
    plain = {**one, "properties": {"a": {"type": "array", "items": {"type": "string"}}, "k": {}}}
    how = Encoding()
    assert fit_schema(plain, how) == plain
    assert how.adapted == set()


def test_repeated_tool_call_ids_are_made_unique() -> None:
    """Some servers number the calls of each turn from zero, and some send no ids."""
    talk = [
        said("user", "hi"),
        said("assistant", None, tool_calls=[call("call_0"), call("call_0")]),
        said("tool", "one", tool_call_id="call_0"),
        said("tool", "two", tool_call_id="call_0"),
        said("assistant", None, tool_calls=[call("call_0")]),
        said("tool", "three", tool_call_id="call_0"),
    ]
    there, adapted = sent("anthropic", OPENAI, messages=talk)
    _, asked, answered, again, last = there["messages"]
    ids = [one["id"] for one in (*asked["content"], *again["content"])]
    assert len({*ids}) == 3
    results = (*answered["content"], *last["content"])
    told = [(one["tool_use_id"], one["content"]) for one in results]
    assert told == list(zip(ids, ("one", "two", "three"), strict=True))
    assert "tool_call_id" in adapted


def test_second_result_of_one_tool_call_is_kept_as_text() -> None:
    talk = [
        said("user", "hi"),
        said("assistant", None, tool_calls=[call("")]),
        said("tool", "one", tool_call_id=""),
        said("tool", "two", tool_call_id=""),
    ]
    there, _ = sent("anthropic", OPENAI, messages=talk)
    first, second = there["messages"][2]["content"]
    assert (first["content"], second) == ("one", text("two"))


def test_client_side_anthropic_tools_become_functions_for_other_models() -> None:
    tools = [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_20250305", "name": "web_search"},
    ]
    choice = {"type": "tool", "name": "web_search"}
    talk = [said("user", "hi")]
    there, adapted = sent("openai", ANTHROPIC, messages=talk, tools=tools, tool_choice=choice)
    (tool,) = there["tools"]
    assert tool["function"]["name"] == "bash"
    assert tool["function"]["parameters"]["properties"].keys() == {"command", "restart"}
    assert there["tool_choice"] == "auto"
    assert adapted == {"tools"}


@pytest.mark.parametrize(("required", "strict"), [(["a", "b"], True), (["a"], False)])
def test_response_format_is_strict_only_if_all_properties_are_required(
    required: list[str], *, strict: bool
) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": required,
        "additionalProperties": False,
    }
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    there, _ = sent("openai", ANTHROPIC, messages=[said("user", "hi")], output_config=wanted)
    told = there["response_format"]["json_schema"]
    assert (told["strict"], told["schema"]) == (strict, schema)


def test_schema_references_are_resolved() -> None:
    defined = {
        "A": {"type": "object", "properties": {"a": {"type": ["array", "null"]}}},
        "B": {"allOf": [{"properties": {"default": {"type": "array"}}}]},
    }
    refs = [{"$ref": f"#/$defs/{name}"} for name in defined]
    made = fit_schema({"oneOf": refs, "$defs": defined}, Encoding())
    assert made["properties"] == {
        "a": {"type": ["array", "null"], "items": {}},
        "default": {"type": "array", "items": {}},
    }
    for odd in ({"anyOf": [{"properties": ["x"]}]}, {"anyOf": [{"required": [{"a": 1}]}]}):
        assert fit_schema(odd, Encoding())["type"] == "object"
