"""Copies of a stack's state, and its lock: manual operations for when recovery has failed.

Secrets in a copy are encrypted, as in the state; the same passphrase or key decrypts them.
"""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from seawall.common.errors import EngineError
from seawall.engine.errors import UpdateRunning, WorkspaceError
from seawall.engine.recovery import Lock
from seawall.engine.snapshot import DamagedError, Snapshot, as_export
from seawall.engine.stack import Engine

__all__ = ["backup_state", "restore_state", "unlock_state"]


def backup_state(engine: Engine, to: Path | None = None) -> Path:
    """Write a copy of the state; returns the file, which only its owner can read.

    Raises:
        WorkspaceError: there is no state, or `to` exists.
    """
    env = engine.layout.env
    engine.prepare()
    text = None
    # The CLI, which may have to be built, is not needed to see that a local state does not exist.
    if engine.session.backend.is_shared or engine.layout.checkpoint.exists():
        with engine.session.heard():
            text = engine.session.export()
    if text is None:
        raise WorkspaceError(f"stack {env} has no state yet; `seawall up {env}` creates one")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = to or engine.layout.backups / f"{env}-{moment}.json"
    if file.exists():
        raise WorkspaceError(f"{file} exists already; name another file")
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
    return file


def restore_state(engine: Engine, file: Path) -> Path | None:
    """Replace the stack's state with the copy in `file`.

    The next `up` adopts what was deployed after the copy was made.

    Returns:
        The file with the previous state; None when there was no readable one.

    Raises:
        WorkspaceError: `file` is not a copy of this stack's state.
    """
    engine.prepare()
    text = _checked_copy(file, engine)
    kept = _put_aside(engine)
    with engine.session.heard():
        _ = engine.session.stack  # created when it does not exist
        engine.session.run("stack", "import", stdin=text)
    engine.layout.unfinished.touch()
    return kept


def unlock_state(engine: Engine) -> list[Lock]:
    """Remove the lock of a dead operation; returns the removed locks.

    Raises:
        UpdateRunning: the holder is a running process on this machine.
    """
    engine.prepare()
    held = engine.session.lock_holders()
    living = [lock for lock in held if lock.is_living_here]
    if living:
        raise UpdateRunning(
            f"stack {engine.layout.env} is in use: {living[0]} runs on this machine; wait for it"
        )
    if held:
        with engine.session.heard():
            engine.session.stack.cancel()
        engine.layout.unfinished.touch()
    return held


def _checked_copy(file: Path, engine: Engine) -> str:
    """The export in `file`, which may also be a checkpoint of the file backend."""
    env = engine.layout.env
    try:
        text = as_export(file.read_text(encoding="utf-8"))
        snapshot = Snapshot.of_export(text)
    except OSError as error:
        raise WorkspaceError(f"{file} cannot be read: {error.strerror}") from error
    except (DamagedError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            f"{file} is no copy of a state ({error}); `seawall state backup {env}` writes one"
        ) from error
    if snapshot.stack not in {None, env}:
        raise WorkspaceError(
            f"{file} is a copy of stack {snapshot.stack}, not of {env}; nothing was changed"
        )
    if not snapshot.resources and _resources_now(engine):
        raise WorkspaceError(
            f"{file} holds no resource, and stack {env} has some: restoring it would forget them; "
            "nothing was changed"
        )
    return text


def _resources_now(engine: Engine) -> int:
    try:
        return engine.snapshot().resources
    except EngineError:
        return 0  # damaged: the state has no readable resource that could be lost


def _put_aside(engine: Engine) -> Path | None:
    """Keep a copy of the current state; a damaged file is then removed from Pulumi's folder."""
    layout = engine.layout
    if engine.session.backend.is_shared:
        try:
            return backup_state(engine)
        except EngineError:
            return None  # no state, or an unreadable one: the bucket keeps earlier versions
    if not layout.checkpoint.is_file():
        return None
    layout.backups.mkdir(parents=True, exist_ok=True)
    kept = layout.backups / f"before-restore-{time.time_ns()}.json"
    kept.touch(mode=0o600)
    shutil.copyfile(layout.checkpoint, kept)
    try:
        Snapshot.of_file(kept.read_bytes())
    except DamagedError:
        layout.checkpoint.unlink()
    return kept
