"""The settings file, read again when it changes.

It is in use as a whole or not at all: a file that is wrong, or that changes what only a start can
change, is refused, and the last good one stays in use.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from service.errors import SettingsError
from service.files import stamp
from service.settings import Settings, load_settings

__all__ = ["LOOK_EVERY_S", "SettingsFile", "follow"]

_log = logging.getLogger("seawall.settings")

LOOK_EVERY_S = 0.5
"""A change is in use within a second: after the second look that finds the file the same."""
_WHILE_RUNNING = frozenset(("timeouts", "degradation", "providers", "models"))
"""All else is bound to what is made once: ports, stores, threads, promises of a drain."""


class SettingsFile:
    """One settings file, and what it says.

    A file that was just written may be half of what it will be, and still be valid: it is read
    once it looks the same twice.
    """

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            SettingsError: it cannot be read, or it is wrong.
        """
        self.path = path
        self._seen = self._read = stamp(path)
        self.settings = load_settings(path)

    def changed(self) -> bool:
        """Whether it is another one than was read last, and no longer being written."""
        before, self._seen = self._seen, stamp(self.path)
        return self._seen == before and self._seen != self._read

    def read(self) -> Settings:
        """What it says now. May be called from another thread than the others.

        Raises:
            SettingsError: it cannot be read, or it is wrong.
        """
        self._read = self._seen
        return load_settings(self.path)


async def follow(
    file: SettingsFile,
    use: Callable[[Settings], None],
    on_refused: Callable[[bool], None],
    look_every_s: float = LOOK_EVERY_S,
) -> None:
    """Give `use` what the file says, each time that it changed. Never returns.

    Args:
        file: has been read; those settings are in use.
        use: takes other settings, or raises SettingsError and has changed nothing.
        on_refused: told after each change whether the file is refused.
        look_every_s: seconds.
    """
    current = file.settings
    refused = False
    while True:
        await asyncio.sleep(look_every_s)
        if not file.changed():
            continue
        try:
            # Parsing takes milliseconds, which no request should wait for.
            settings = await asyncio.to_thread(file.read)
            _refuse_what_needs_a_restart(file.path, current, settings)
            if settings != current:
                use(settings)
        except SettingsError as error:
            refused = True
            _log.warning("settings not reloaded, the last good ones stay in use: %s", error)
        else:
            if refused or settings != current:
                _log.info("settings reloaded: %d models", len(settings.models))
            current, refused = settings, False
        on_refused(refused)


def _refuse_what_needs_a_restart(path: Path, current: Settings, settings: Settings) -> None:
    fixed = [
        name
        for name in Settings.model_fields
        if name not in _WHILE_RUNNING and getattr(settings, name) != getattr(current, name)
    ]
    if fixed:
        raise SettingsError(f"{path}: {', '.join(fixed)}: other values need a restart")
