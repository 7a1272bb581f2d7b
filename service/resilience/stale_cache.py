"""Recent answers that are served stale when no provider answers.

The cache is bounded by bytes and by age, and drops the least recently used answer first. It is the
last step of the fallback order. It does not save calls: while a provider answers, nothing is served
from here.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["MAX_ANSWER_BYTES", "KeptAnswer", "StaleCache", "answer_key"]

MAX_ANSWER_BYTES = 256 << 10
"""Larger answers are not kept."""
ENTRY_BYTES = 300
"""The approximate size of an entry without its body: key, objects, place in the order."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole answer as the client got it; `at` is the time by the cache's clock, in seconds."""

    content_type: bytes
    body: bytes
    at: float


def answer_key(*parts: bytes) -> bytes:
    """The key of an answer: a hash of the tenant, the route and the request body."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


class StaleCache:
    """Keeps at most `max_bytes`, and no answer older than `max_age_s`; 0 s keeps none.

    Not thread-safe: for one event loop.
    """

    def __init__(self, max_age_s: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[bytes, KeptAnswer] = OrderedDict()
        self._bytes = 0

    @property
    def keeps(self) -> bool:
        """Whether the cache is on."""
        return self._max_age_s > 0

    @property
    def held(self) -> int:
        """How many bytes are held now."""
        return self._bytes

    def resize(self, max_age_s: float, max_bytes: int) -> None:
        """Set other bounds; answers that do not fit any more are dropped."""
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes if max_age_s else 0
        self._shrink()

    def keep(self, key: bytes, content_type: bytes, body: bytes) -> None:
        """Keep an answer and replace an older one; an answer that is too large is not kept."""
        size = len(body) + ENTRY_BYTES
        if len(body) > MAX_ANSWER_BYTES or size > self._max_bytes:
            return
        self._drop(key)
        self._kept[key] = KeptAnswer(content_type, body, self._clock())
        self._bytes += size
        self._shrink()

    def find(self, key: bytes) -> KeptAnswer | None:
        """The kept answer; None when there is none or it is too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if self._clock() - kept.at > self._max_age_s:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def _shrink(self) -> None:
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.body) + ENTRY_BYTES
