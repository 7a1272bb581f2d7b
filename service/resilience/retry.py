"""What to do after a failed attempt, as one pure decision.

The table is here and nowhere else; who calls and who waits is `service.pipeline.stages.failover`.
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
"""Per request and step, over all targets; the fallback is the next step."""
MAX_ATTEMPTS_IN_ALL = 5
"""Per request, over all steps."""
WORTH_WAITING_S = 3.0
"""A 429 that asks for more than this is answered sooner by another target."""
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
    """The gateway could not read it, though others may."""
    TOO_MANY_TOKENS = "too_many_tokens"
    """The client allows a longer answer than the target gives, or has room for."""
    OWN_FIELD = "own_field"
    """The provider refused a field that the gateway had added."""

    @property
    def blames_the_target(self) -> bool:
        """Whether the circuit breaker counts it."""
        return self not in _BLAMELESS

    @property
    def asks_for_another_form(self) -> bool:
        """Whether the same target takes the request in another form, and did no work for this."""
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
"""What another account of the same provider may not meet."""


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
    """Seconds to wait after `tries` tries: uniform in [0, base * 2^(tries - 1)], capped at 1 s."""
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
    """Decide the next attempt after the `tries`-th try at one target failed.

    Silence moves on at once: waiting again for what did not come doubles the loss. Who was not
    reached is asked once more when nobody else is left, which `Attempts` sees to. A 5xx or a
    reset gets one retry on the same target. A 429 waits once for a Retry-After of up to 3 s when
    the deadline leaves the time. A key that is refused, or used up, or may not use the model, makes
    way for a `spare_key` at once, and a request that the target takes in another form is sent so at
    once. `remaining_s` is the time to the request's deadline, `spare` how many attempts are left
    beyond one for each target that was not asked yet: those come first.
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
