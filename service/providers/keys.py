"""A provider's API keys, and the choice of the one to use now.

A key that the provider refuses is paused until its file changes, or for five minutes. A key that is
rate limited is paused for as long as the provider says. While all keys are paused, the one whose
pause ends first is used, because the provider may accept it again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.errors import SettingsError
from service.files import SecretFile
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

__all__ = ["KeyInUse", "KeyPool"]

REFUSED_REST_S = 300.0
"""Seconds. A revoked key is replaced by a new file; a locked key may recover by itself."""
USUAL_REST_S = 1.0
"""Seconds after a 429 without a Retry-After."""
MAX_REST_S = 60.0
"""The longest pause in seconds that a provider may ask for, so that a spare key does not do all the
work for hours."""


@dataclass(slots=True, eq=False)
class _Key:
    file: SecretFile
    rests_until: float = 0.0
    refused: str | None = None
    """The value that was refused; another value is tried at once."""
    not_for: dict[str, float] = field(default_factory=dict[str, float])
    """Models that the key may not use, each with the time until which that is assumed."""

    def due(self, model: str, now: float) -> float:
        """When it may be used for `model`; `now` when it may be used now."""
        return max(now, self.rests_until, self.not_for.get(model, 0.0))


class KeyInUse(NamedTuple):
    """A key for one attempt; the value is None if the provider needs no key."""

    value: str | None
    key: _Key | None


class KeyPool:
    """The keys of one provider; the first one is preferred."""

    def __init__(
        self,
        files: Sequence[SecretFile],
        *,
        on_refused: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_refused` is called with the number of keys that the provider refuses now."""
        self._keys = [_Key(file) for file in files]
        self._on_refused = on_refused
        self._clock = clock

    def take(self, model: str) -> KeyInUse:
        """The key to use for `model` now.

        Raises:
            UpstreamFailure: no file contains a key.
        """
        if not self._keys:
            return KeyInUse(None, None)
        usable: list[tuple[_Key, str]] = []
        missing: SettingsError | None = None
        for key in self._keys:
            try:
                usable.append((key, self._value(key)))
            except SettingsError as error:
                missing = error
        if not usable:
            raise UpstreamFailure(Symptom.KEY_REFUSED, str(missing)) from missing
        if len(usable) == 1:
            return KeyInUse(usable[0][1], usable[0][0])
        now = self._clock()
        chosen, value = min(usable, key=lambda one: one[0].due(model, now))
        return KeyInUse(value, chosen)

    def has_spare(self, model: str) -> bool:
        """Whether there is a key for `model` that is not paused."""
        now = self._clock()
        return any(key.due(model, now) <= now and self._is_there(key) for key in self._keys)

    def refused(self, used: KeyInUse, model: str | None = None) -> None:
        """Note that the provider refuses the key, or refuses it for `model`."""
        if used.key is None:
            return
        until = self._clock() + REFUSED_REST_S
        if model is not None:
            used.key.not_for[model] = until
        else:
            used.key.refused = used.value
            used.key.rests_until = until
        self._tell()

    def exhausted(self, used: KeyInUse, rest_s: float | None) -> None:
        """Note that the key is rate limited, for `rest_s` seconds if the provider says so."""
        if used.key is not None:
            rest_s = USUAL_REST_S if rest_s is None else min(rest_s, MAX_REST_S)
            used.key.rests_until = self._clock() + rest_s

    def accepted(self, used: KeyInUse, model: str) -> None:
        """Note that the provider accepted the key."""
        key = used.key
        if key is not None and (key.refused is not None or model in key.not_for):
            key.refused = None
            key.rests_until = 0.0
            key.not_for.pop(model, None)
            self._tell()

    @staticmethod
    def _is_there(key: _Key) -> bool:
        try:
            return bool(key.file.value())
        except SettingsError:
            return False

    def _value(self, key: _Key) -> str:
        value = key.file.value()
        if key.refused is not None and key.refused != value:
            key.refused = None
            key.rests_until = 0.0
            key.not_for.clear()
            self._tell()
        return value

    def _tell(self) -> None:
        self._on_refused(sum(key.refused is not None or bool(key.not_for) for key in self._keys))
