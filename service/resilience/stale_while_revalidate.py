"""A cache whose entries outlast the failures of what they come from.

An entry that is no longer fresh is still handed out, at once, while a new one is fetched beside it
(stale-while-revalidate and stale-if-error of RFC 5861). Instead of one that is old, since nobody
asked for long, a new one is waited for a moment; it is handed out when none came.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["LastingCache"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_AGAIN_S = 1.0
"""Between two tries to fetch anew what could not be fetched."""


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    due: float
    """From when on it is fetched anew."""
    wait_from: float
    """From when on the new one is waited for."""


class LastingCache(Generic[K, V]):
    """One value for each key.

    Args:
        fetch: where values come from; what it raises reaches only those without an older value.
        fresh_s: for so long a value is not fetched again.
        old_s: after so long a new value is waited for, at most `patience_s`.
        patience_s: seconds; in vain, nobody waits for the next ones of `fresh_s`.
        clock: seconds.
    """

    def __init__(
        self,
        fetch: Callable[[K], Awaitable[V]],
        *,
        fresh_s: float,
        old_s: float,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._old_s = old_s
        self._patience_s = patience_s
        self._clock = clock
        self._entries: dict[K, _Entry[V]] = {}
        self._fetching: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """The value; raises what `fetch` raises as long as there never was one."""
        entry = self._entries.get(key)
        if entry is None:
            # Whoever gives up waiting must not take it from the others.
            return await asyncio.shield(self._fetched(key))
        now = self._clock()
        if now >= entry.due:
            task = self._fetched(key)
            if now >= entry.wait_from:
                await asyncio.wait({task}, timeout=self._patience_s)
                if self._entries[key] is entry:
                    entry.wait_from = self._clock() + self._fresh_s
        return self._entries[key].value

    def close(self) -> None:
        """End what is being fetched."""
        for task in self._fetching.values():
            task.cancel()

    def _fetched(self, key: K) -> "asyncio.Task[V]":
        """The one fetch of this key that is under way, begun here when there is none."""
        task = self._fetching.get(key)
        if task is None:
            task = asyncio.ensure_future(self._refresh(key))
            self._fetching[key] = task
            task.add_done_callback(lambda done: self._end(key, done))
        return task

    async def _refresh(self, key: K) -> V:
        value = await self._fetch(key)
        now = self._clock()
        self._entries[key] = _Entry(value, now + self._fresh_s, now + self._old_s)
        return value

    def _end(self, key: K, task: "asyncio.Task[V]") -> None:
        self._fetching.pop(key, None)
        if task.cancelled() or task.exception() is None:
            return
        entry = self._entries.get(key)
        if entry is not None:
            entry.due = self._clock() + _AGAIN_S
