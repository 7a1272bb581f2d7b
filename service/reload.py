"""Reload of the settings file when it changes.

A file is used as a whole or not at all. A file is refused when it is wrong, or when it changes a
setting that needs a restart; then the last valid settings stay in use.
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
"""Seconds between two checks. A change is in use within a second: after two checks that find the
same file."""
_WHILE_RUNNING = frozenset(("timeouts", "degradation", "providers", "models"))
"""Settings that may change at run time. The others belong to objects that are made once, such as
ports, stores and threads, or to the drain, whose times are promised at the start."""


class SettingsFile:
    """One settings file and its parsed settings.

    A file that is still being written may be incomplete and yet valid, so it is read only when two
    checks find the same file.
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
        """Whether the file differs from the one that was read last, and is no longer written to."""
        before, self._seen = self._seen, stamp(self.path)
        return self._seen == before and self._seen != self._read

    def read(self) -> Settings:
        """Read and parse the file. May be called from another thread than the other methods.

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
    """Call `use` with the new settings each time that the file changes. Never returns.

    Args:
        file: the settings file, whose settings are in use.
        use: applies other settings, or raises SettingsError and changes nothing.
        on_refused: called after each change with whether the file is refused.
        look_every_s: seconds between two checks.
    """
    current = file.settings
    refused = False
    while True:
        await asyncio.sleep(look_every_s)
        if not file.changed():
            continue
        try:
            # Parsing takes milliseconds, and must not block the event loop.
            settings = await asyncio.to_thread(file.read)
            _refuse_what_needs_a_restart(file.path, current, settings)
            if settings != current:
                use(settings)
        except SettingsError as error:
            refused = True
            _log.warning("settings not reloaded, the last valid ones stay in use: %s", error)
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
