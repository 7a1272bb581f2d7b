"""One backup, step by step: a failed step ends the run, and the last step removes old copies."""

import signal
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from agents.backup.dump import check, take
from agents.backup.errors import BackupError
from agents.backup.journal import Journal
from agents.backup.retention import expired, key_of
from agents.backup.settings import BackupSettings, read_backup_settings
from agents.backup.source import choose
from agents.env import SettingsError

if TYPE_CHECKING:
    from agents.backup.store import Content, Store

__all__ = ["main"]


class _Stopped(BaseException):
    """Kubernetes ends the pod. It is a BaseException, so that no library handles it as an error."""


def main() -> int:
    """Make one backup.

    Returns:
        0 when the backup is stored and verified, and old ones are removed; otherwise 1.
    """
    journal = Journal()
    # Process 1 of a container ignores signals that it does not handle.
    signal.signal(signal.SIGTERM, _stop)
    try:
        _back_up(read_backup_settings(), journal)
    except (BackupError, SettingsError, OSError) as failed:
        journal.failed(str(failed))
    except ImportError as missing:
        journal.failed(f"{missing.name} is missing: run the job with the image of target ops")
    except _Stopped:
        journal.failed("stopped by SIGTERM: the pod was deleted or its deadline is over")
    except Exception as unknown:  # noqa: BLE001 - one line in the log, and never a traceback
        journal.failed(f"unexpected {type(unknown).__name__} {_place(unknown)}")
    else:
        return 0
    return 1


def _back_up(settings: BackupSettings, journal: Journal) -> None:
    # Imported here, so that a run without boto3 also ends with one line in the log.
    from agents.backup.store import Store, content_of  # noqa: PLC0415

    with journal.step("choose") as details:
        source = choose(settings)
        details |= {"role": source.role, "host": source.host, "port": source.port}
    # In a new folder, which only its owner can read, and which is removed at the end.
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.scratch) as folder:
        file = Path(folder, "dump.rdb")
        taken = datetime.now(UTC)
        with journal.step("dump") as details:
            take(settings, source, file)
            details["bytes"] = file.stat().st_size
        with journal.step("check") as details:
            details |= {"bytes": file.stat().st_size, "keys": check(settings, file)}
        store, key = Store(settings), key_of(settings.prefix, taken, settings.name)
        with journal.step("upload") as details:
            wanted = content_of(file)
            store.upload(file, key)
            details |= {"bytes": wanted.size, "key": key}
    with journal.step("verify") as details:
        _verify(store, key, wanted)
        details |= {"bytes": wanted.size, "sha256": wanted.checksum}
    if settings.keep_s is not None:
        with journal.step("remove") as details:
            keep = timedelta(seconds=settings.keep_s)
            sizes = store.sizes(settings.prefix)
            old = expired(
                sizes, prefix=settings.prefix, verified=key, now=datetime.now(UTC), keep=keep
            )
            for each in old:
                store.remove(each)
            details |= {"bytes": sum(sizes[each] for each in old), "copies": len(old)}


def _verify(store: "Store", key: str, wanted: "Content") -> None:
    found = store.content(key)
    if found != wanted:
        raise BackupError(
            f"{key} has {found.size} bytes and SHA-256 {found.checksum or 'unknown'}, but "
            f"{wanted.size} bytes and {wanted.checksum} were sent; do not restore it"
        )


def _stop(*_: object) -> NoReturn:
    raise _Stopped


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
