"""Classifies answers with status 4xx by their cause: one table of statuses, codes and messages.

Providers use the same statuses for a client's mistake, an account without credit, a retired model
and too many requests. Only the first is the client's fault. The others concern this provider, and
another one may answer. An error code decides if the provider sends one; otherwise the text of the
message does.

The sources are the providers' references and reports about each of them:
https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors,
https://console.groq.com/docs/errors, https://docs.mistral.ai/api,
https://ai.google.dev/gemini-api/docs/troubleshooting, and the messages in the source of vLLM,
SGLang, llama.cpp and Ollama.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import cast

import msgspec

__all__ = [
    "Blame",
    "asked_wait_s",
    "blame",
    "mentioned",
    "message_of",
    "most_tokens",
    "other_name",
    "room_left",
]


class Blame(Enum):
    """The cause of a refusal."""

    CLIENT = "the request"
    """Every provider would refuse it, so the refusal is passed on to the client."""
    TOO_MUCH = "more than this target takes"
    """The prompt is too long, the requested answer is too long, or the body is too large."""
    UNABLE = "what this target cannot do"
    MODEL = "the model is not there"
    PERMISSION = "the model is not for this key"
    KEY = "the key, or its account: no credit, locked, over its spending limit"
    RATE = "too many requests"
    PROVIDER = "the provider itself"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule; the first rule whose conditions all hold decides."""

    blame: Blame
    statuses: frozenset[int]
    words: re.Pattern[str]
    """Searched in code, type, field and message, which are in lower case, one per line."""


_MAX_WORDS = 4096
"""Characters of an error that are searched; some servers repeat the whole prompt in it."""
_MESSAGES = ("error", "message", "detail", "msg", "error_msg")
_CODES = (
    "code",
    "type",
    "param",
    "loc",
    "status",
    "message",
    "msg",
    "detail",
    "error",
    "error_msg",
)
_MAYBE_RATE = frozenset((400, 403, 413, 422))
_MAYBE_KEY = frozenset((400, 402, 403, 429))
_MAYBE_MODEL = frozenset((400, 403, 422))
_MAYBE_MUCH = frozenset((400, 413, 422))
_MAYBE_UNABLE = frozenset((400, 415, 422, 501))


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


_RULES = (
    _Rule(
        # Google calls every limit the "current quota", even a limit per minute.
        Blame.RATE,
        frozenset((429,)),
        _any(r"(retry|try again|wait) in (about )?\d"),
    ),
    _Rule(
        Blame.KEY,
        _MAYBE_KEY,
        _any(
            r"credit balance is too low",
            r"insufficient[_ ](quota|balance|credits?|funds)",
            r"exceeded[_ ](your[_ ])?current[_ ]quota",
            r"billing[_ ](hard[_ ]limit|not[_ ]active)",
            r"account (is )?(deactivated|suspended|in arrears|overdue)|account_deactivated",
            r"reached your specified api usage limits",
            r"(spend|spending|usage|monthly|key) limit (has been )?(reached|exceeded)",
            r"payment[_ ]required|purchase credits|add credits|out of credits?",
            r"(used all|exceeded your).{0,40}credits|no resource package",
            r"arrearage|not in good standing|account is in good standing",
            r"organization (has been|is) disabled|account (is )?not active",
            r"api[_ ]key[_ ](not (valid|found)|invalid|expired)|invalid[_ ]api[_ ]key",
            r"user location is not supported",
        ),
    ),
    _Rule(
        Blame.TOO_MUCH,
        frozenset((413,)),
        _any("tokens per minute", r"\btpm\b", "request too large", "request_too_large"),
    ),
    _Rule(
        Blame.RATE,
        _MAYBE_RATE,
        _any(
            "rate[_ ]limit",
            "too many requests",
            "(requests|tokens) per (second|minute|day)",
            "throttl|please wait before trying",
        ),
    ),
    _Rule(
        Blame.TOO_MUCH,
        _MAYBE_MUCH,
        _any(
            r"context_length_exceeded|exceed_context_size|context_window|string_above_max_length",
            r"(maximum|max|model'?s|available) context|context (length|size|window|limit)",
            r"prompt is too long|input is too long|prompt too long|too many (input )?tokens",
            r"input (length|token count|tokens?)\b.{0,80}\b(exceed|longer)",
            r"longer than the (model|maximum)|max(imum)?[_ ](model|prompt|input)[_ ]len",
            r"(model|input|context) token limit|prompt token count",
            r"(prompt|input)s? exceeds? (the )?max|range of input length",
            r"inputs? must have less than \d+ tokens",
            r"(reduce|shorten) (the length|your (prompt|message|input))",
            r"max_(completion_|output_|new_)?tokens(?!.{0,40}at least).{0,120}"
            r"(too large|less than or equal|at most|maximum|exceed|must be <|range)",
        ),
    ),
    _Rule(
        Blame.MODEL,
        _MAYBE_MODEL,
        _any(
            r"model_(not_found|not_available|decommissioned|not_supported|terms_required)",
            r"(invalid|unknown|unsupported)[_ ]model|no such model|not a valid model",
            r"\bmodels?\b.{0,160}(not exist|not found|decommissioned|deprecated|retired)",
            r"\bmodels?\b.{0,160}(no longer|shut ?down|not available|no access|not have access)",
            r"\bmodels?\b.{0,160}(not (been )?loaded|not deployed|not supported by any provider)",
            r"model identifier is invalid|no models? (is |are )?loaded|no endpoints found",
        ),
    ),
    _Rule(
        Blame.UNABLE,
        _MAYBE_UNABLE,
        _any(
            r"\b(model|endpoint|server|deployment)\b.{0,120}"
            r"(does not|doesn't|cannot) (support|accept)",
            r"not supported (by|with|for) (this|the) (model|endpoint|server|deployment)",
            r"unsupported_(parameter|value)|extra_forbidden",
            r"extra (inputs|fields) (are )?not permitted|cannot find field",
            r"unrecognized request argument|unknown (parameter|field|name|variant)",
            r"(does not|doesn't) support (tools|thinking|images?|vision|functions?|streaming)",
            r"(does not|doesn't) work with the (specified|requested) model",
            r"only (be )?(supported|available) in v1/|is not enabled for|is unavailable now",
            r"requires --enable|chat template|is not a multimodal model|must be verified",
            r"at most \d+ (image|audio|video)|content must be a string",
            r"reasoning_content|roles must alternate|system role not supported",
            r"(unexpected|expected last|after the optional system) (role|message)",
        ),
    ),
    _Rule(
        Blame.PROVIDER,
        frozenset((400, 422)),
        _any(
            r"tool_use_failed|json_validate_failed|failed to (generate|call a function)",
            r"server_error|internal (server )?error|upstream (connect )?error|overloaded",
        ),
    ),
)
_BY_STATUS: Mapping[int, Blame] = {
    401: Blame.KEY,
    402: Blame.KEY,
    403: Blame.PERMISSION,
    # The gateway chose both the path and the model's name, so this is not the client's fault.
    404: Blame.MODEL,
    405: Blame.MODEL,
    410: Blame.MODEL,
    413: Blame.TOO_MUCH,
    429: Blame.RATE,
    501: Blame.UNABLE,
}
"""The cause by status, if no rule decides."""
_OF_REQUESTS = frozenset((400, 406, 411, 415, 422, 431))
"""Statuses that blame the request. Statuses that are in neither table blame the provider."""
_MODERATED = _any("flagged", "moderation", "content[_ ]policy", "safety system")
"""Texts that blame the request with status 403: https://openrouter.ai/docs/api-reference/errors."""

_QUOTED = re.compile(
    r"(?<!\w)(?P<quote>['\"`])(?!max_|reasoning_)[^'\"`\n]{1,200}(?P=quote)(?!\w)",
)
"""Quoted names, which the client or its tools chose; they are removed before the rules are applied.
"""
_decode = msgspec.json.Decoder().decode


def blame(status: int, body: bytes) -> Blame:
    """The cause of an answer with this status; `body` may be anything."""
    words = _words(body)
    if status == 403 and _MODERATED.search(words):  # noqa: PLR2004 - HTTP
        return Blame.CLIENT
    words = _QUOTED.sub("", words)
    for rule in _RULES:
        if status in rule.statuses and rule.words.search(words):
            return rule.blame
    return _BY_STATUS.get(status, Blame.CLIENT if status in _OF_REQUESTS else Blame.PROVIDER)


_INSTEAD = re.compile(r"unsupported parameter: '(\w+)'.{0,80}use '(\w+)' instead")


def other_name(body: bytes) -> tuple[str, str] | None:
    """A field and its name at the target, if the refusal contains them; None otherwise.

    OpenAI: "Unsupported parameter: 'max_tokens' is not supported with this model. Use
    'max_completion_tokens' instead."
    """
    match = _INSTEAD.search(_words(body))
    return (match[1], match[2]) if match is not None else None


def mentioned(body: bytes, fields: Iterable[str]) -> set[str]:
    """The fields that a refusal names as whole words."""
    words = _words(body)
    return {one for one in fields if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", words)}


_BOUNDS = (
    # Anthropic's: max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens
    re.compile(r"max_tokens: \d+ > (\d+)"),
    # Groq's: `max_tokens` must be less than or equal to `8192`
    re.compile(r"max_\w*tokens`? must be (?:less than or equal to|at most|<=) `?(\d+)"),
    # OpenAI's: This model supports at most 16384 completion tokens
    re.compile(r"supports at most (\d+) (?:completion|output) tokens"),
    # DeepSeek's: the valid range of max_tokens is [1, 8192]
    re.compile(r"range of max_\w*tokens (?:is|should be) \[\d+, ?(\d+)\]"),
)


def most_tokens(body: bytes) -> int | None:
    """The longest answer in tokens that the target ever gives, if the refusal contains it."""
    words = _words(body)
    found = (bound.search(words) for bound in _BOUNDS)
    return next((int(match[1]) for match in found if match is not None), None)


_ROOM = re.compile(r"\(\d+ > (\d+) - (\d+)\)")


def room_left(body: bytes) -> int | None:
    """The longest answer in tokens to this prompt, if the refusal contains it.

    vLLM: "your request has 21000 input tokens (32000 > 32768 - 21000)".
    """
    match = _ROOM.search(_words(body))
    return int(match[1]) - int(match[2]) if match is not None else None


_WAIT = re.compile(
    r"(?:retry|try again|wait) in (?:about )?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(m?s))?"
)


def asked_wait_s(body: bytes) -> float | None:
    """The seconds to wait in the text of a refusal, for providers without a Retry-After header.

    Google: "Please retry in 34.07s." Groq: "Please try again in 7m12.5s."
    """
    match = _WAIT.search(_words(body))
    if match is None or not (match[1] or match[2]):
        return None
    unit_s = 0.001 if match[3] == "ms" else 1.0
    return 60 * int(match[1] or 0) + float(match[2] or 0) * unit_s


def message_of(body: bytes) -> str:
    """The message of an error in any known format; empty when there is none.

    Known formats are OpenAI's and Anthropic's (`error.message`), a top-level `message` (Mistral,
    SGLang, older vLLM), a list of errors (Google), an error or a detail that is a string (FastAPI),
    and a list of details (pydantic).
    """
    try:
        return _message(_decode(body), depth=0)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _message(value: object, *, depth: int) -> str:
    if depth > _DEEPEST:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        found = (_message(item, depth=depth + 1) for item in cast("list[object]", value))
        return "; ".join(text for text in found if text)
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        for name in _MESSAGES:
            text = _message(fields.get(name), depth=depth + 1)
            if text:
                return text
    return ""


def _words(body: bytes) -> str:
    """Codes, types and messages of an error, in lower case; the whole body if it is not JSON."""
    try:
        document: object = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:_MAX_WORDS].decode("utf-8", "replace").lower()
    found: list[str] = []
    _collect(document, found, depth=0)
    return "\n".join(found)[:_MAX_WORDS].lower()


_DEEPEST = 5


def _collect(value: object, found: list[str], *, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _collect(item, found, depth=depth + 1)
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        for name in _CODES:
            if name in fields:
                _collect(fields[name], found, depth=depth + 1)
