import time

import pytest

from service.errors import InvalidRequest
from service.pipeline.stages.decode import decode_chat
from service.providers.catalogue import CATALOGUE
from service.providers.dialects.openai import OpenAIDialect, OpenAIScanner
from service.providers.dialects.sse import EventSplitter
from service.providers.encoding import Encoding
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}\n\n'
TOOL = b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'
COMMENT = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
WHOLE = ROLE + TEXT + COMMENT + STOP + USAGE + DONE


def feed_all(scanner: OpenAIScanner, *parts: bytes) -> bytes:
    return b"".join(map(scanner.feed, parts))


def test_bytes_pass_unchanged_wherever_the_network_cuts_them() -> None:
    for cut in range(len(WHOLE)):
        scanner = OpenAIScanner(include_usage=True)
        assert feed_all(scanner, WHOLE[:cut], WHOLE[cut:]) == WHOLE
        assert scanner.done


def test_carriage_returns_pass_unchanged() -> None:
    windows = WHOLE.replace(b"\n", b"\r\n")
    scanner = OpenAIScanner(include_usage=True)
    assert feed_all(scanner, *[windows[n : n + 7] for n in range(0, len(windows), 7)]) == windows


def test_the_usage_chunk_is_stripped_and_nothing_else() -> None:
    scanner = OpenAIScanner(include_usage=False)
    assert scanner.feed(WHOLE) == WHOLE.replace(USAGE, b"")


def test_role_without_text_is_not_content() -> None:
    scanner = OpenAIScanner(include_usage=False)
    scanner.feed(ROLE + COMMENT)
    assert not scanner.has_content
    scanner.feed(TEXT)
    assert scanner.has_content


def test_a_tool_call_is_content() -> None:
    scanner = OpenAIScanner(include_usage=False)
    scanner.feed(TOOL)
    assert scanner.has_content


@pytest.mark.parametrize(
    ("stream", "symptom"),
    [
        (TEXT + DONE, Symptom.CUT),
        (DONE, Symptom.CUT),
        (b"data: {not json\n\n", Symptom.MALFORMED),
        (b'data: {"error":{"message":"x"}}\n\n', Symptom.SERVER_ERROR),
        (b'data: {"choices":[{"delta":"text"}]}\n\n', Symptom.MALFORMED),
        (b'data: {"choices":[{"finish_reason":"\xff"}]}\n\n', Symptom.MALFORMED),
        (b'data: {"choices":[{"delta":{"\xff":1}}]}\n\n', Symptom.MALFORMED),
        (b"data: " + b"[" * 100_000 + b"\n\n", Symptom.MALFORMED),
    ],
)
def test_a_broken_stream_is_refused(stream: bytes, symptom: Symptom) -> None:
    with pytest.raises(UpstreamFailure) as raised:
        OpenAIScanner(include_usage=False).feed(stream)
    assert raised.value.symptom is symptom


def test_a_missing_end_marker_is_supplied_only_for_a_finished_answer() -> None:
    scanner = OpenAIScanner(include_usage=False)
    scanner.feed(TEXT)
    with pytest.raises(UpstreamFailure):
        scanner.finish()
    scanner.feed(STOP)
    assert scanner.finish() == DONE


def test_every_choice_has_to_finish() -> None:
    scanner = OpenAIScanner(include_usage=False)
    second = TEXT.replace(b'"index":0', b'"index":1')
    with pytest.raises(UpstreamFailure):
        scanner.feed(TEXT + second + STOP + DONE)


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b'{"choices": []}',
        b"{}",
        b'{"choices": [{"finish_reason": "stop"}',
        b'{"choices": [{"finish_reason": null}]}',
        b'{"error": {"message": "x"}}',
        b'{"choices": [{"finish_reason": "\xff"}]}',
        b'{"x": ' + b"[" * 100_000,
    ],
)
def test_invalid_plain_answer_is_an_upstream_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailure):
        OpenAIDialect().answer(body)


def test_client_stream_options_are_merged_with_include_usage() -> None:
    body = b'{"model":"m","stream":true,"stream_options":{"x": 1.50},"n":1}'
    encoded = OpenAIDialect().encode(decode_chat(body), "t", Encoding())
    expected = b'{"model":"t","stream":true,"stream_options":{"x":1.50,"include_usage":true},"n":1}'
    assert encoded == expected


def test_every_entry_of_the_catalogue_is_found_under_its_name() -> None:
    assert all(entry.name == name and entry.note for name, entry in CATALOGUE.items())


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"\xff\xfe"}',
        b'{"model":"fast","\xff":1}',
        b'{"model":"fast","stream_options":{"\xff":1}}',
        b'{"model":"fast","x":' + b"[" * 100_000,
        b"[" * 100_000,
    ],
)
def test_invalid_json_is_an_invalid_request_error(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as raised:
        decode_chat(body)
    assert raised.value.body()


def test_scanner_is_finished_after_the_finish_reason() -> None:
    scanner = OpenAIScanner(include_usage=False)
    scanner.feed(TEXT)
    assert not scanner.finished
    scanner.feed(STOP)
    assert scanner.finished
    assert not scanner.has_usage
    scanner.feed(USAGE)
    assert scanner.has_usage


def test_long_event_in_small_pieces_is_split_in_linear_time() -> None:
    splitter = EventSplitter()
    began = time.perf_counter()
    for _ in range(32_000):
        splitter.feed(b"x" * 256)
    assert len(splitter.feed(b"\n\n")) == 1
    assert time.perf_counter() - began < 5, "8 MiB; with every search from the start: minutes"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n"])
def test_a_boundary_is_found_wherever_the_network_cuts_it(end: bytes) -> None:
    stream = (b"data: 1" + end) * 3
    for size in range(1, len(stream)):
        splitter = EventSplitter()
        parts = [stream[at : at + size] for at in range(0, len(stream), size)]
        found = [event for part in parts for event in splitter.feed(part)]
        assert found == [(b"data: 1" + end, b"1")] * 3


@pytest.mark.parametrize(
    "odd",
    [
        b'{"choices":[{"index":null,"delta":{"content":"hi"}}]}',
        b'{"choices":[{"index":"0","delta":{"content":"hi"},"finish_reason":null}]}',
        b'{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":{"of":1}}]}',
    ],
)
def test_unusual_chunk_types_that_sdks_accept_are_passed_through(odd: bytes) -> None:
    scanner = OpenAIScanner(include_usage=False)
    event = b"data: " + odd + b"\n\n"
    assert scanner.feed(event) == event
    assert scanner.has_content
    assert not scanner.finished
