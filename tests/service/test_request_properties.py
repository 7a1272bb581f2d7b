"""Requests of any shape become valid for the provider, and keep every word of the user."""

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from service.pipeline.client_formats import ANTHROPIC, OPENAI, ClientApi
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.encoding import Encoding

# Threads of other tests in this process use the global random generator at the same time.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning"
)
Json = dict[str, Any]
MARK = {"type": "ephemeral"}
JPEG = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/4AAQ"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
FIXED = settings(max_examples=150, deadline=None, derandomize=True, database=None)
"""The same examples in every run, so that a failure comes from a change and not from chance."""

words = st.integers(0, 99).map("word{:02}.".format)
texts = st.one_of(words, words, st.sampled_from(["", " ", "\n", "\u00a0"]))
ids = st.sampled_from(["call_0", "c.1", "x" * 70, "functions.read:0"])
names = st.sampled_from(["f", "les\u00e9", "mcp__" + "a" * 70, "a.b"])
written = st.sampled_from(["{}", '{"a": 1}', "", "no json", "[1]"])
users = st.sampled_from([None, "u-1", "someone@example.com", "x" * 300])


def of(
    optional: Mapping[str, SearchStrategy[Any]] = MappingProxyType({}),
    /,
    **fields: SearchStrategy[Any],
) -> SearchStrategy[Json]:
    """Strategy for objects with these fields."""
    return st.fixed_dictionaries(fields, optional=dict(optional))


def just(value: object) -> SearchStrategy[Any]:
    return st.just(value)


def some(*items: SearchStrategy[Any], most: int = 4) -> SearchStrategy[Any]:
    """Strategy for lists of such items."""
    return st.lists(st.one_of(*items), max_size=most)


def said(role: str, *contents: SearchStrategy[Any], **more: SearchStrategy[Any]) -> Any:  # noqa: ANN401
    return of(role=just(role), content=st.one_of(*contents), **more)


text_parts = of({"cache_control": just(MARK)}, type=just("text"), text=texts)
calls = of(
    id=st.one_of(ids, just("")), type=just("function"), function=of(name=names, arguments=written)
)
openai_messages: SearchStrategy[Any] = st.one_of(
    said("system", texts),
    said("user", texts, some(text_parts, just(JPEG))),
    said("assistant", texts, st.none()),
    said("assistant", texts, st.none(), tool_calls=st.lists(calls, min_size=1, max_size=3)),
    said("tool", texts, tool_call_id=st.one_of(ids, just(""))),
)
openai_requests = of(
    {
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "stop": some(texts, most=6),
        "max_completion_tokens": st.integers(1, 50_000),
        "reasoning_effort": st.sampled_from(["minimal", "low", "medium", "high"]),
        "seed": st.integers(),
    },
    messages=st.lists(openai_messages, min_size=1, max_size=8),
    user=users,
)

uses = of(type=just("tool_use"), id=ids, name=names, input=just({}))
results = of(
    type=just("tool_result"),
    tool_use_id=ids,
    content=st.one_of(texts, some(text_parts, just(IMAGE), most=2)),
)
thoughts = just({"type": "thinking", "thinking": "hm", "signature": "s"})
anthropic_messages: SearchStrategy[Any] = st.one_of(
    said("user", texts, some(text_parts, results, just(IMAGE))),
    said("assistant", texts, some(text_parts, uses, thoughts)),
)
anthropic_requests = of(
    messages=st.lists(anthropic_messages, min_size=1, max_size=8),
    max_tokens=just(100),
    metadata=of(user_id=users),
    stop_sequences=some(texts, most=6),
)


def sent(kind: str, client: ClientApi, request: Json) -> Json:
    call = decode_chat(json.dumps({"model": "m", **request}).encode(), client)
    return json.loads(CATALOGUE[kind].dialects[client.format].encode(call, "up", Encoding()))


def said_by_users(request: Json) -> set[str]:
    """The words in all messages of users and tools."""
    heard = [one for one in request["messages"] if one["role"] in ("user", "tool", "system")]
    return {*re.findall(r"word\d\d\.", json.dumps(heard))}


@FIXED
@given(openai_requests)
def test_any_openai_request_becomes_a_valid_anthropic_request(request: Json) -> None:
    made = sent("anthropic", OPENAI, request)
    turns = made["messages"]
    assert turns[0]["role"] == "user"
    assert all(one["role"] != other["role"] for one, other in pairwise(turns))
    called: list[str] = []
    seen: set[str] = set()
    for turn in turns:
        assert turn["content"]
        blocks = cast("list[Json]", turn["content"])
        assert all(one["text"].strip() for one in blocks if one["type"] == "text")
        answered = [one["tool_use_id"] for one in blocks if one["type"] == "tool_result"]
        assert answered == called
        assert all(one["type"] == "tool_result" for one in blocks[: len(answered)])
        called = [one["id"] for one in blocks if one["type"] == "tool_use"]
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", one) for one in called)
        assert not seen & {*called}
        seen |= {*called}
        assert all(
            re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", one["name"])
            for one in blocks
            if one["type"] == "tool_use"
        )
    assert not called
    assert not {"temperature", "top_p"} <= made.keys()
    assert made.get("temperature", 0) <= 1
    assert all(stop.strip() for stop in made.get("stop_sequences", ()))
    assert len(made.get("metadata", {}).get("user_id", "")) <= 256
    assert json.dumps(made).count("cache_control") <= 4
    assert "@" not in json.dumps(made)
    if "thinking" in made:
        assert 1024 <= made["thinking"]["budget_tokens"] < made["max_tokens"]
        assert "temperature" not in made
        assert not any(
            one["type"] == "tool_use" for turn in turns[-2:-1] for one in turn["content"]
        )
    heard = json.dumps([made.get("system"), turns])
    assert {word for word in said_by_users(request) if word not in heard} == set()


@FIXED
@given(anthropic_requests, st.sampled_from(["openai", "mistral", "groq", "moonshot", "vllm"]))
def test_any_anthropic_request_becomes_a_valid_openai_request(request: Json, kind: str) -> None:
    made = sent(kind, ANTHROPIC, request)
    owed: list[str] = []
    before = ""
    for one in made["messages"]:
        if one["role"] == "tool":
            assert one["tool_call_id"] in owed
            owed.remove(one["tool_call_id"])
        else:
            assert not owed
        assert not (kind == "mistral" and (before, one["role"]) == ("tool", "user"))
        before = one["role"]
        calls = one.get("tool_calls", [])
        owed = [*owed, *(call["id"] for call in calls)]
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["function"]["name"]) for call in calls)
        if kind == "mistral":
            assert all(re.fullmatch(r"[a-zA-Z0-9]{9}", call["id"]) for call in calls)
        assert one.get("content") or calls or one["role"] in ("user", "tool")
    assert not owed
    assert len(made.get("stop", ())) <= 4
    assert "@" not in json.dumps(made)
    assert "cache_control" not in json.dumps(made)
    heard = json.dumps(made["messages"])
    assert {word for word in said_by_users(request) if word not in heard} == set()
