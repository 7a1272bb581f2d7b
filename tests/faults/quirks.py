"""Provider-specific answers, and their results for clients. The second target is healthy.

Each quirk is the exact bytes of an answer, as reported for that provider.
"""

import json
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.suite import describe_answer
from tests.service.kit import Gateway, Simulator
from tests.service.scripted_provider import provider, whole

__all__ = ["QUIRKS", "Quirk", "Quirks", "quirks", "quirks_table"]

_JSON = b"content-type: application/json"
_EVENTS = b"content-type: text/event-stream"
_SECOND = "whole answer, second target"
_FIRST = "whole answer, first target"
_BROKEN = "error event, no [DONE]"


@dataclass(frozen=True, slots=True)
class Quirk:
    """One answer of one provider."""

    provider: str
    kind: str
    title: str
    answer: bytes
    seen: str
    stream: bool = False


def _response(status: str, document: object) -> bytes:
    body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    return whole(status, body, _JSON)


def _error(message: str, code: object = None, kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _flat(message: str) -> object:
    return {"object": "error", "message": message, "type": "BadRequestError", "code": 400}


def _anthropic(message: str, kind: str = "invalid_request_error") -> object:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _completion(end: object) -> bytes:
    choice = {"index": 0, "message": {"content": "half"}, "finish_reason": end}
    return _response("200 OK", {"choices": [choice]})


def _chunks(*pieces: tuple[object, object]) -> bytes:
    events = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in pieces
    ]
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events)
    return whole("200 OK", body, _EVENTS)


QUIRKS = (
    Quirk("SGLang", "vllm", "no finish_reason, plain", _completion(None), _SECOND),
    Quirk("SGLang", "vllm", 'finish_reason "" in a plain answer', _completion(""), _SECOND),
    Quirk("vLLM", "vllm", "finish_reason abort", _completion("abort"), _SECOND),
    Quirk(
        "DeepSeek",
        "openai-compatible",
        "finish_reason insufficient_system_resource",
        _completion("insufficient_system_resource"),
        _SECOND,
    ),
    Quirk(
        "SGLang",
        "vllm",
        'finish_reason "" in every chunk, and then the end',
        _chunks(({"content": "half"}, ""), ({"content": " an answer"}, "")),
        _BROKEN,
        stream=True,
    ),
    Quirk(
        "Mistral",
        "mistral",
        "content as a list of parts",
        _chunks(({"content": [{"type": "text", "text": "hi"}]}, None), ({}, "stop")),
        _FIRST,
        stream=True,
    ),
    Quirk(
        "any",
        "openai-compatible",
        "no [DONE]",
        _chunks(({"content": "hi"}, None), ({}, "stop")),
        _FIRST,
        stream=True,
    ),
    Quirk(
        "OpenAI",
        "openai",
        "404: a model that was retired",
        _response("404 Not Found", _error("The model `x` does not exist", "model_not_found")),
        _SECOND,
    ),
    Quirk(
        "Ollama",
        "ollama",
        "404: a model that was not pulled",
        _response("404 Not Found", _error("model 'x' not found, try pulling it first")),
        _SECOND,
    ),
    Quirk(
        "Groq",
        "groq",
        "400: a model that was decommissioned",
        _response(
            "400 Bad Request", _error("The model `x` is decommissioned", "model_decommissioned")
        ),
        _SECOND,
    ),
    Quirk(
        "Anthropic",
        "anthropic",
        "400: no credit",
        _response(
            "400 Bad Request", _anthropic("Your credit balance is too low to access the API.")
        ),
        _SECOND,
    ),
    Quirk(
        "Anthropic",
        "anthropic",
        "400: the account's own limit",
        _response(
            "400 Bad Request", _anthropic("You have reached your specified API usage limits.")
        ),
        _SECOND,
    ),
    Quirk(
        "DeepSeek",
        "openai-compatible",
        "402: no balance",
        _response("402 Payment Required", _error("Insufficient Balance")),
        _SECOND,
    ),
    Quirk(
        "Groq",
        "groq",
        "413: tokens per minute",
        _response(
            "413 Payload Too Large",
            _error("Request too large: tokens per minute (TPM)", "rate_limit_exceeded", "tokens"),
        ),
        _SECOND,
    ),
    Quirk(
        "llama.cpp",
        "openai-compatible",
        "400: too long",
        _response("400 Bad Request", {"error": {"code": 400, "type": "exceed_context_size_error"}}),
        _SECOND,
    ),
    Quirk(
        "SGLang",
        "vllm",
        "400: too long, the message at the top",
        _response(
            "400 Bad Request", _flat("The input (9 tokens) is longer than the model's context")
        ),
        _SECOND,
    ),
    Quirk(
        "Gemini",
        "openai-compatible",
        "400: too long, in a list",
        _response(
            "400 Bad Request",
            [{"error": {"code": 400, "message": "The input token count (9) exceeds the maximum"}}],
        ),
        _SECOND,
    ),
    Quirk(
        "Groq",
        "groq",
        "400: max_tokens above what the model writes",
        _response("400 Bad Request", _error("`max_tokens` must be less than or equal to `8192`")),
        _SECOND,
    ),
    Quirk(
        "any",
        "openai-compatible",
        "400: what one model cannot do",
        _response("400 Bad Request", _error("This model does not support image inputs.")),
        _SECOND,
    ),
    Quirk(
        "Moonshot",
        "moonshot",
        "400: too long",
        _response("400 Bad Request", _error("Your request exceeded model token limit: 262144")),
        _SECOND,
    ),
    Quirk(
        "Google",
        "gemini",
        "429: the quota of a minute",
        _response(
            "429 Too Many Requests",
            [{"error": {"code": 429, "message": "You exceeded your current quota. Retry in 9s."}}],
        ),
        _SECOND,
    ),
    Quirk(
        "Groq",
        "groq",
        "498: no capacity",
        _response("498 Capacity Exceeded", _error("Flex tier capacity exceeded")),
        _SECOND,
    ),
    Quirk(
        "any",
        "openai-compatible",
        "400: the client's own fault",
        _response("400 Bad Request", _error("'messages' is empty", "invalid_messages")),
        "400 invalid_messages",
    ),
)


class Quirks:
    """The gateway, with one model for each quirk, and the providers."""

    def __init__(self, folder: Path, urls: Iterable[str]) -> None:
        self._healthy = Simulator("well", folder)
        providers: dict[str, object] = {
            "second": {"kind": "openai", "base_url": self._healthy.base_url}
        }
        for number, url in enumerate(urls):
            kind = QUIRKS[number].kind
            providers[_name(number)] = {"kind": kind, "base_url": url}
        self._gateway = Gateway(
            folder,
            (self._healthy,),
            named_models={
                _name(number): {
                    "targets": [
                        {"provider": _name(number), "model": "x"},
                        {"provider": "second", "model": "x"},
                    ]
                }
                for number in range(len(QUIRKS))
            },
            providers=providers,
        )

    def seen(self, quirk: Quirk) -> str:
        """The result that a client sees, in the same terms as the cases."""
        answer = self._gateway.chat(_name(QUIRKS.index(quirk)), stream=quirk.stream)
        return describe_answer(answer, stream=quirk.stream)

    def stop(self) -> None:
        """End every process."""
        self._gateway.stop()
        self._healthy.stop()


def _name(number: int) -> str:
    return f"quirk-{number}"


@contextmanager
def quirks(folder: Path) -> Generator[Quirks]:
    """Run the gateway and the providers until the end of the block."""
    with ExitStack() as stack:
        urls = [stack.enter_context(provider(quirk.answer)) for quirk in QUIRKS]
        running = Quirks(folder, urls)
        stack.callback(running.stop)
        yield running


def quirks_table(seen: Iterable[tuple[Quirk, str]]) -> str:
    """The second table of docs/faults.md, generated from a run."""
    rows = [
        f"| {quirk.provider} | {quirk.title} | {'streamed' if quirk.stream else 'plain'} | {what} |"
        for quirk, what in seen
    ]
    return "\n".join((_HEAD, *rows, ""))


_HEAD = """
## What clients see of a provider's own ways
The first target answers with the bytes that were reported of that provider, the second is well.

| provider | what it says | request | what the client sees |
|---|---|---|---|"""
