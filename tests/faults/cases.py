"""The faults, and the promised results for clients. A fault applies to the first of two targets.

Times are scaled down: the gateway of the suite waits one second where a real one waits ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CASES", "Case", "Seen"]

Parameters = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client sees: the answer's source or its failure, and the number of attempts."""

    what: str
    attempts: int

    def __str__(self) -> str:
        return f"{self.what}; {self.attempts} attempt{'s' if self.attempts > 1 else ''}"


def _first(attempts: int = 1) -> Seen:
    return Seen("whole answer, first target", attempts)


def _second(attempts: int = 2) -> Seen:
    return Seen("whole answer, second target", attempts)


_BROKEN = Seen("error event, no [DONE]", 1)
_NOT_AVAILABLE = Seen("503 with Retry-After", 3)


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, plain and streamed."""

    title: str
    kind: str
    plain: Seen
    streamed: Seen
    parameters: Parameters = field(default_factory=dict[str, float | str])
    both: bool = False
    """Whether the fault also applies to the second target."""


def _before(title: str, kind: str, seen: Seen, **parameters: float | str) -> Case:
    """A fault before the first content: another target can serve a stream and a plain answer."""
    return Case(title, kind, seen, seen, parameters)


def _mid_answer(title: str, kind: str, plain: Seen, **parameters: float | str) -> Case:
    """A fault in the middle of an answer: another target can only serve a plain answer."""
    return Case(title, kind, plain, _BROKEN, parameters)


CASES = (
    _before("429 without Retry-After", "status", _second(), code=429),
    _before("429, Retry-After 1, once", "status", _first(2), code=429, retry_after=1, times=1),
    _before("429, Retry-After 30", "status", _second(), code=429, retry_after=30),
    _before("500 once", "status", _first(2), code=500, times=1),
    _before("500 always", "status", _second(3), code=500),
    _before("503 always", "status", _second(3), code=503),
    _before("connection refused", "down", _second()),
    _before("reset before the headers", "refuse", _second(3)),
    _mid_answer("reset amid the body", "cut_mid_stream", _second(3), after=3, how="reset"),
    _before("headers never come", "hang", _second()),
    _before("first token never comes", "stall_mid_stream", _second(), after=0),
    _before("first token comes too late", "slow_first_token", _second(), seconds=4),
    _before("trickle, each token in time", "trickle", _first(), seconds=0.1),
    _mid_answer("stall amid the stream", "stall_mid_stream", _second(), after=3),
    _mid_answer(
        "stream cut without finish_reason", "cut_mid_stream", _second(), after=3, how="end"
    ),
    _before("first event malformed; truncated JSON", "malformed_event", _second()),
    _mid_answer("later event malformed", "malformed_event", _second(), after=3),
    _before("error event first, status 200", "error_event", _second(3)),
    _mid_answer("error event later, status 200", "error_event", _second(3), after=3),
    _before("HTML with status 200", "html_200", _second()),
    _before("empty choices", "empty_choices", _second()),
    _before("content filter", "content_filter", Seen("400 content_policy_violation", 1)),
    _before("context length exceeded", "context_too_long", _second()),
    _before("401 on one of two keys", "status", _first(2), code=401, only_key="key-one"),
    _before("very large answer (2 MiB)", "large_answer", _first(), bytes=2 << 20),
    _before("answer names another model", "other_model", _first()),
    Case("all providers answer 500", "status", _NOT_AVAILABLE, _NOT_AVAILABLE, {}, both=True),
    Case(
        "all providers are silent",
        "hang",
        Seen("503 with Retry-After", 2),
        Seen("503 with Retry-After", 2),
        {},
        both=True,
    ),
)
