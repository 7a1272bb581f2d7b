"""A cache whose entries outlast failures of their source.

An entry that is no longer fresh is still returned at once, while a new value is fetched in the
background (stale-while-revalidate and stale-if-error of RFC 5861). An entry may also be old,
because it was not requested for long. Then `get` waits a moment for a new value first, and returns
the old one if none arrives.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["StaleWhileRevalidateCache"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_AGAIN_S = 1.0
"""Seconds between two tries to fetch a value again after a failure."""


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    due: float
    """The time from which on it is fetched again."""
    wait_from: float
    """The time from which on `get` waits for the new value."""


class StaleWhileRevalidateCache(Generic[K, V]):
    """One value for each key.

    Args:
        fetch: fetches a value; `get` raises its exceptions only when there is no older value.
        fresh_s: seconds for which a value is not fetched again.
        old_s: the age in seconds from which on `get` waits for a new value.
        max_wait_s: the longest such wait in seconds; after a wait in vain, `get` does not wait
            again for `fresh_s`.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        fetch: Callable[[K], Awaitable[V]],
        *,
        fresh_s: float,
        old_s: float,
        max_wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._old_s = old_s
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._entries: dict[K, _Entry[V]] = {}
        self._fetching: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """The value of `key`; raises what `fetch` raises if there was never a value."""
        entry = self._entries.get(key)
        if entry is None:
            # A caller that stops waiting must not cancel the fetch for the other callers.
            return await asyncio.shield(self._fetched(key))
        now = self._clock()
        if now >= entry.due:
            task = self._fetched(key)
            if now >= entry.wait_from:
                await asyncio.wait({task}, timeout=self._max_wait_s)
                if self._entries[key] is entry:
                    entry.wait_from = self._clock() + self._fresh_s
        return self._entries[key].value

    def close(self) -> None:
        """Cancel all fetches that are under way."""
        for task in self._fetching.values():
            task.cancel()

    def _fetched(self, key: K) -> "asyncio.Task[V]":
        """The fetch of this key that is under way; starts one if there is none."""
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
