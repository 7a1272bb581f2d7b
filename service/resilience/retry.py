"""What to do after a failed attempt, as one pure function.

All rules about retries are in this module. `service.pipeline.stages.failover` calls and waits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

__all__ = [
    "MAX_ATTEMPTS",
    "MAX_ATTEMPTS_IN_ALL",
    "Next",
    "Step",
    "Symptom",
    "decide",
    "full_jitter_s",
]

MAX_ATTEMPTS = 3
"""Per request and step, over all targets; a fallback model is the next step."""
MAX_ATTEMPTS_IN_ALL = 5
"""Per request, over all steps."""
WORTH_WAITING_S = 3.0
"""When a 429 asks for a longer wait than this, another target answers sooner."""
BACKOFF_BASE_S = 0.1
BACKOFF_MAX_S = 1.0


class Symptom(Enum):
    """How an attempt failed; the value is the metric's `outcome` label."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    RESET = "reset"
    SERVER_ERROR = "http_5xx"
    RATE_LIMITED = "http_429"
    KEY_REFUSED = "key_refused"
    MALFORMED = "malformed"
    CUT = "cut"
    TOO_LONG = "too_long"
    UNABLE = "unable"
    NO_MODEL = "no_model"
    UNTRANSLATED = "untranslated"
    """The gateway could not read the answer; other software might."""
    TOO_MANY_TOKENS = "too_many_tokens"
    """The request allows a longer answer than the target gives or has room for."""
    OWN_FIELD = "own_field"
    """The provider refused a field that the gateway had added."""

    @property
    def blames_the_target(self) -> bool:
        """Whether the circuit breaker counts it as a failure."""
        return self not in _BLAMELESS

    @property
    def asks_for_another_form(self) -> bool:
        """Whether the target may accept the request in another form, and did no work for it yet."""
        return self in _ANOTHER_FORM


_BLAMELESS = frozenset(
    (
        Symptom.RATE_LIMITED,
        Symptom.KEY_REFUSED,
        Symptom.TOO_LONG,
        Symptom.UNABLE,
        Symptom.UNTRANSLATED,
        Symptom.TOO_MANY_TOKENS,
        Symptom.OWN_FIELD,
    )
)
_ANOTHER_FORM = frozenset((Symptom.OWN_FIELD, Symptom.TOO_MANY_TOKENS))
_ANOTHER_KEY = frozenset((Symptom.KEY_REFUSED, Symptom.RATE_LIMITED, Symptom.NO_MODEL))
"""Failures that may not occur with another key of the same provider."""


class Step(Enum):
    """Where the next attempt goes."""

    SAME_TARGET = "same target"
    NEXT_TARGET = "next target"


@dataclass(frozen=True, slots=True)
class Next:
    """The next attempt, after `wait_s` seconds."""

    step: Step
    wait_s: float = 0.0


_NEXT = Next(Step.NEXT_TARGET)


def full_jitter_s(tries: int, random: Callable[[], float]) -> float:
    """Seconds to wait after `tries` tries: uniform in [0, 0.1 * 2^(tries - 1)], capped at 1 s."""
    return random() * min(BACKOFF_BASE_S * 2 ** (tries - 1), BACKOFF_MAX_S)


def decide(
    symptom: Symptom,
    *,
    tries: int,
    spare: int,
    retry_after_s: float | None,
    remaining_s: float,
    spare_key: bool,
    random: Callable[[], float],
) -> Next:
    """Decide on the next attempt after the `tries`-th try at one target failed.

    - After a timeout the next target is tried at once: a second wait would double the loss.
    - After a failed connection the next target is tried. `Failover` tries this one once more when
      no other target is left.
    - After a 5xx or a reset the same target gets one retry.
    - After a 429 the same target gets one retry if Retry-After is at most 3 s and the deadline
      leaves the time.
    - When the key is refused, used up, or may not use the model, a spare key is tried at once.
    - When the target may accept the request in another form, that form is sent at once.

    Args:
        symptom: how the attempt failed.
        tries: how often this target was tried.
        spare: the attempts that are left beyond one for each target that was not tried yet; those
            targets come first.
        retry_after_s: the Retry-After that the provider sent, in seconds.
        remaining_s: seconds to the request's deadline.
        spare_key: whether the provider has another usable key.
        random: returns a number in [0, 1).
    """
    if tries > 1 or spare < 1:
        return _NEXT
    if symptom.asks_for_another_form or (spare_key and symptom in _ANOTHER_KEY):
        return Next(Step.SAME_TARGET)
    if symptom in (Symptom.SERVER_ERROR, Symptom.RESET):
        wait_s = full_jitter_s(tries, random)
        return Next(Step.SAME_TARGET, wait_s) if wait_s < remaining_s else _NEXT
    if (
        symptom is Symptom.RATE_LIMITED
        and retry_after_s is not None
        and retry_after_s <= WORTH_WAITING_S
        and retry_after_s < remaining_s
    ):
        return Next(Step.SAME_TARGET, retry_after_s)
    return _NEXT
