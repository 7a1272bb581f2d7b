"""A provider's API keys: which one to use now.

A key that the provider refuses rests until its file changes, or for five minutes; one that it has
had enough of rests for as long as it says. While all rest, the one that is due soonest is used:
the provider may have changed its mind.
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
"""A key that was revoked comes back by a new file; one that was locked out, by itself."""
USUAL_REST_S = 1.0
"""After a 429 that does not say for how long."""
MAX_REST_S = 60.0
"""What a provider may ask for; more, and a spare key would do all the work for hours."""


@dataclass(slots=True, eq=False)
class _Key:
    file: SecretFile
    rests_until: float = 0.0
    refused: str | None = None
    """The value that was refused: another one deserves a try."""
    not_for: dict[str, float] = field(default_factory=dict[str, float])
    """Models that it may not use, and until when that is believed."""

    def due(self, model: str, now: float) -> float:
        """When it may be used for `model`; `now` when it may be used now."""
        return max(now, self.rests_until, self.not_for.get(model, 0.0))


class KeyInUse(NamedTuple):
    """A key for one attempt; no value where the provider wants none."""

    value: str | None
    key: _Key | None


class KeyPool:
    """The keys of one provider, the first before the others."""

    def __init__(
        self,
        files: Sequence[SecretFile],
        *,
        on_refused: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_refused` is told how many keys the provider refuses now."""
        self._keys = [_Key(file) for file in files]
        self._on_refused = on_refused
        self._clock = clock

    def take(self, model: str) -> KeyInUse:
        """The key to use for `model` now.

        Raises:
            UpstreamFailure: no file has a key in it.
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
        """Whether a key is there that does not rest."""
        now = self._clock()
        return any(key.due(model, now) <= now and self._is_there(key) for key in self._keys)

    def refused(self, used: KeyInUse, model: str | None = None) -> None:
        """The provider does not accept the key, or not for `model`."""
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
        """The provider has had enough of the key for `rest_s` seconds, where it says so."""
        if used.key is not None:
            rest_s = USUAL_REST_S if rest_s is None else min(rest_s, MAX_REST_S)
            used.key.rests_until = self._clock() + rest_s

    def accepted(self, used: KeyInUse, model: str) -> None:
        """The provider took the key."""
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
