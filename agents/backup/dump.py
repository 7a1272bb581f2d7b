"""Takes a dump with redis-cli, and checks it with redis-check-rdb."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from agents.backup.errors import BackupError
from agents.backup.settings import BackupSettings
from agents.backup.source import Source
from contract import paths

__all__ = ["check", "take"]

_KEYS = re.compile(r"^\[info\] (\d+) keys read$", re.MULTILINE)
_LONGEST = 300
"""Characters of a program's last line that are put into the error message."""


def take(settings: BackupSettings, source: Source, file: Path) -> None:
    """Write the RDB of `source` to `file`, as the ACL user of replicas.

    Raises:
        BackupError: redis-cli failed, did not end in time, or wrote nothing.
        SettingsError: the password is missing.
    """
    where = f"{source.host}:{source.port}"
    words = ["redis-cli", "-h", source.host, "-p", str(source.port), "--user", "replica"]
    # In the environment, because everybody on the machine can read a program's arguments.
    password = {"REDISCLI_AUTH": settings.secret(paths.REDIS_REPLICA_PASSWORD_FILE)}
    _run([*words, "--rdb", str(file)], settings.dump_timeout_s, f"dump of {where}", password)
    if not file.exists() or not file.stat().st_size:
        raise BackupError(f"dump of {where}: redis-cli succeeded but wrote nothing")


def check(settings: BackupSettings, file: Path) -> int:
    """The number of keys in the dump.

    Raises:
        BackupError: it is damaged, or it has no keys; it must not replace older copies with keys.
    """
    words = ["redis-check-rdb", str(file)]
    printed = _run(words, settings.dump_timeout_s, "check of the dump", {})
    found = _KEYS.search(printed)
    if found is None:
        raise BackupError("check of the dump: redis-check-rdb did not report the number of keys")
    if not int(found[1]):
        raise BackupError("check of the dump: it has no keys; nothing is stored or removed")
    return int(found[1])


def _run(words: Sequence[str], timeout_s: int, what: str, secrets: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            # Nothing else from this process, such as credentials of the object storage.
            env={"PATH": os.environ.get("PATH", os.defpath), **secrets},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise BackupError(f"{what}: {words[0]} did not end within {timeout_s} s") from late
    except OSError as failed:
        raise BackupError(f"{what}: {words[0]} cannot be started: {failed.strerror}") from failed
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["no output"]
        printed = _without(secrets, lines[-1])[:_LONGEST]
        raise BackupError(f"{what}: {words[0]} ended with {done.returncode}: {printed}")
    return done.stdout


def _without(secrets: dict[str, str], line: str) -> str:
    for secret in secrets.values():
        line = line.replace(secret, "***")
    return line
