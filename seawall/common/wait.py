"""Wait by polling a condition with a deadline: the only form of waiting in the code and tests."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["TimedOutError", "wait_until"]

T = TypeVar("T")

_DEFAULT_INTERVAL_S = 0.1


class TimedOutError(Exception):
    """A condition did not become true in time; the message has the wait and the last value."""

    def __init__(self, what: str, deadline_s: float, last: object) -> None:
        super().__init__(f"waited {deadline_s:g} s for {what}; last seen: {last!r}")


def wait_until(
    condition: Callable[[], T | None],
    *,
    deadline_s: float,
    what: str,
    interval_s: float = _DEFAULT_INTERVAL_S,
) -> T:
    """Poll until the condition is truthy, and return what it returned.

    The condition is tried at least once, and once more after the deadline has passed.

    Args:
        condition: returns a truthy value when it holds; an exception that it raises ends the wait.
        deadline_s: seconds.
        what: the awaited event, for the message.
        interval_s: seconds between two tries.

    Raises:
        TimedOutError: the condition did not hold in time.
    """
    end = time.monotonic() + deadline_s
    while True:
        late = time.monotonic() >= end
        seen = condition()
        if seen:
            return seen
        if late:
            raise TimedOutError(what, deadline_s, seen)
        time.sleep(interval_s)
