"""Requests of any shape reach a provider as its reference wants them, and lose no word."""

import json
import re
from itertools import pairwise
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from service.pipeline.client_api import ANTHROPIC, OPENAI, ClientApi
from service.pipeline.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.encoding import Encoding

Json = dict[str, Any]
MARK = {"type": "ephemeral"}
JPEG = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/4AAQ"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
FIXED = settings(max_examples=150, deadline=None, derandomize=True, database=None)
"""The same examples in every run: a failure is the change's, and no chance."""

words = st.integers(0, 99).map(lambda number: f"word{number:02}.")
texts = st.one_of(words, words, st.sampled_from(["", " ", "\n", "\u00a0"]))
ids = st.sampled_from(["call_0", "c.1", "", "x" * 70, "functions.read:0"])
names = st.sampled_from(["f", "les\u00e9", "mcp__" + "a" * 70, "a.b"])
arguments = st.sampled_from(["{}", '{"a": 1}', "", "no json", "[1]"])
users = st.sampled_from([None, "u-1", "someone@example.com", "x" * 300])


def parts(marked: SearchStrategy[Json]) -> SearchStrategy[Json]:
    return st.builds(lambda words, mark: {"type": "text", "text": words, **mark}, texts, marked)


marks = st.sampled_from([{}, {}, {"cache_control": MARK}])
openai_parts = st.one_of(parts(marks), st.just(JPEG))
openai_calls = st.builds(
    lambda one, name, written: {
        "id": one,
        "type": "function",
        "function": {"name": name, "arguments": written},
    },
    ids,
    names,
    arguments,
)
openai_messages = st.one_of(
    st.builds(lambda said: {"role": "system", "content": said}, texts),
    st.builds(
        lambda said: {"role": "user", "content": said},
        st.one_of(texts, st.lists(openai_parts, max_size=3)),
    ),
    st.builds(
        lambda said, calls: {"role": "assistant", "content": said, **calls},
        st.one_of(texts, st.none()),
        st.lists(openai_calls, max_size=3).map(lambda some: {"tool_calls": some} if some else {}),
    ),
    st.builds(lambda said, one: {"role": "tool", "tool_call_id": one, "content": said}, texts, ids),
)
openai_requests = st.builds(
    lambda messages, user, more: {"messages": messages, "user": user, **more},
    st.lists(openai_messages, min_size=1, max_size=8),
    users,
    st.fixed_dictionaries(
        {},
        optional={
            "temperature": st.floats(0, 2),
            "top_p": st.floats(0, 1),
            "stop": st.lists(texts, max_size=6),
            "max_completion_tokens": st.integers(1, 50_000),
            "reasoning_effort": st.sampled_from(["minimal", "low", "medium", "high"]),
            "seed": st.integers(),
        },
    ),
)

uses = st.builds(
    lambda one, name: {"type": "tool_use", "id": one or "c", "name": name, "input": {}}, ids, names
)
results = st.builds(
    lambda one, said: {"type": "tool_result", "tool_use_id": one or "c", "content": said},
    ids,
    st.one_of(texts, st.lists(st.one_of(parts(st.just({})), st.just(IMAGE)), max_size=2)),
)
thoughts = st.just({"type": "thinking", "thinking": "hm", "signature": "s"})
anthropic_messages = st.one_of(
    st.builds(
        lambda said: {"role": "user", "content": said},
        st.one_of(texts, st.lists(st.one_of(parts(marks), results, st.just(IMAGE)), max_size=4)),
    ),
    st.builds(
        lambda said: {"role": "assistant", "content": said},
        st.one_of(texts, st.lists(st.one_of(parts(st.just({})), uses, thoughts), max_size=4)),
    ),
)
anthropic_requests = st.builds(
    lambda messages, user, stops: {
        "messages": messages,
        "max_tokens": 100,
        "metadata": {"user_id": user},
        "stop_sequences": stops,
    },
    st.lists(anthropic_messages, min_size=1, max_size=8),
    users,
    st.lists(texts, max_size=6),
)


def sent(kind: str, client: ClientApi, request: Json) -> Json:
    call = decode_chat(json.dumps({"model": "m", **request}).encode(), client)
    return json.loads(CATALOGUE[kind].dialects[client.format].encode(call, "up", Encoding()))


def said_by_users(request: Json) -> set[str]:
    """The words of all users and tools."""
    heard = [one for one in request["messages"] if one["role"] in ("user", "tool", "system")]
    return {*re.findall(r"word\d\d\.", json.dumps(heard))}


@FIXED
@given(openai_requests)
def test_what_anthropic_gets(request: Json) -> None:
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
def test_what_openais_providers_get(request: Json, kind: str) -> None:
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
