"""An answer without a known finish reason is incomplete: plain and streamed, in both formats."""

import json

import pytest

from service.providers.catalogue import CATALOGUE
from service.providers.chat_request import ChatCall, Format
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

NO_ENDS = (None, "", "abort", "error", "insufficient_system_resource", "network_error", "whatever")
ENDS_OF_COMPLETIONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "model_length": "max_tokens",
    "eos_token": "end_turn",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "content_filter: RECITATION": "refusal",
}
ENDS_OF_MESSAGES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
CLIENTS = (Format.OPENAI, Format.ANTHROPIC)


def call(client: Format) -> ChatCall:
    return ChatCall({}, "m", stream=True, stream_options={}, include_usage=False, format=client)


def event(document: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def completion(end: str | None) -> bytes:
    choice = {"index": 0, "message": {"content": "half"}, "finish_reason": end}
    return json.dumps({"choices": [choice]}).encode()


def chunks(end: str | None) -> bytes:
    pieces: list[dict[str, object]] = [
        {"index": 0, "delta": {"content": "half"}, "finish_reason": ""},
        {"index": 0, "delta": {}, "finish_reason": end},
    ]
    return b"".join(event({"choices": [piece]}) for piece in pieces)


def message(end: str | None) -> bytes:
    content = [{"type": "text", "text": "half"}]
    return json.dumps({"type": "message", "content": content, "stop_reason": end}).encode()


def events(end: str | None) -> bytes:
    told: list[dict[str, object]] = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "half"},
        },
        {"type": "message_delta", "delta": {"stop_reason": end}},
    ]
    return b"".join(event(one) for one in told)


PROVIDERS = {"vllm": (completion, chunks), "anthropic": (message, events)}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("end", NO_ENDS)
def test_answer_without_a_known_finish_reason_is_a_cut(
    kind: str, client: Format, end: str | None
) -> None:
    whole, streamed = PROVIDERS[kind]
    dialect = CATALOGUE[kind].dialects[client]
    with pytest.raises(UpstreamFailure) as plain:
        dialect.answer(whole(end))
    scanner = dialect.scanner(call(client))
    shown = scanner.feed(streamed(end))
    assert not scanner.finished
    with pytest.raises(UpstreamFailure) as broken:
        scanner.finish()
    assert plain.value.symptom is broken.value.symptom is Symptom.CUT
    assert b"[DONE]" not in shown
    assert b"message_stop" not in shown


@pytest.mark.parametrize(
    ("kind", "client", "end", "told"),
    [
        *(("vllm", Format.ANTHROPIC, *pair) for pair in ENDS_OF_COMPLETIONS.items()),
        *(("anthropic", Format.OPENAI, *pair) for pair in ENDS_OF_MESSAGES.items()),
        *(("vllm", Format.OPENAI, end, end) for end in ENDS_OF_COMPLETIONS),
        *(("anthropic", Format.ANTHROPIC, end, end) for end in ENDS_OF_MESSAGES),
    ],
)
def test_answer_with_a_known_finish_reason_is_complete(
    kind: str, client: Format, end: str, told: str
) -> None:
    whole, streamed = PROVIDERS[kind]
    dialect = CATALOGUE[kind].dialects[client]
    assert f'"{told}"'.encode() in dialect.answer(whole(end)).body
    scanner = dialect.scanner(call(client))
    shown = scanner.feed(streamed(end)) + scanner.finish()
    assert f'"{told}"'.encode() in shown
    assert shown.endswith(b"[DONE]\n\n" if client is Format.OPENAI else b'"message_stop"}\n\n')


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("kind", "end"), [("vllm", "stop"), ("anthropic", "end_turn")])
def test_end_of_stream_completes_an_event_without_a_blank_line(
    kind: str, client: Format, end: str
) -> None:
    """Every SDK reads a last event without a blank line after it; half an event does not count."""
    streamed = PROVIDERS[kind][1](end).rstrip()
    dialect = CATALOGUE[kind].dialects[client]
    scanner = dialect.scanner(call(client))
    shown = scanner.feed(b"\xef\xbb\xbf" + streamed) + scanner.finish()
    assert scanner.done
    assert shown.endswith(b"[DONE]\n\n" if client is Format.OPENAI else b'"message_stop"}\n\n')
    gatherer = CATALOGUE[kind].gatherer()
    for data in (streamed, b""):
        gatherer.feed(data)
    assert b"half" in gatherer.body()
    scanner = dialect.scanner(call(client))
    scanner.feed(streamed[:-5])
    with pytest.raises(UpstreamFailure) as broken:
        scanner.finish()
    assert broken.value.symptom is Symptom.CUT
