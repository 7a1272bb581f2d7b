"""The settings of the backup job: environment variables and mounted secret files, read once."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agents import env
from agents.env import SettingsError
from contract import paths, ports

__all__ = ["BackupSettings", "Credentials", "read_backup_settings"]

Credentials = Literal["role", "secret"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """The settings of one run.

    Attributes:
        name: the name of this pod or host; the copy's name ends with it.
        hosts: the names of all hosts with a sentinel.
        master_name: the name under which the sentinels monitor the master.
        bucket: the bucket for the copies.
        prefix: the prefix of the objects' names, without a slash at its end.
        keep_s: copies older than so many seconds are removed; None when the bucket does that.
        endpoint: the URL of the object storage; None is AWS.
        region: the bucket's region; None leaves it to boto3's default chain.
        credentials: `role` is boto3's default chain, `secret` means two mounted files.
        scratch: a folder with enough room for the dump.
        dump_timeout_s: seconds for taking the dump, and again for checking it.
        secrets: folder with one file per secret.
        sentinel_port: TCP port of the sentinels.
    """

    name: str
    hosts: tuple[str, ...]
    master_name: str
    bucket: str
    prefix: str
    keep_s: int | None
    endpoint: str | None
    region: str | None
    credentials: Credentials
    scratch: Path
    dump_timeout_s: int
    secrets: Path
    sentinel_port: int

    def secret(self, name: str) -> str:
        """A mounted secret.

        Raises:
            SettingsError: the file is missing or empty.
        """
        return env.secret(self.secrets, name)


def read_backup_settings() -> BackupSettings:
    """The settings from this process's environment.

    Raises:
        SettingsError: a setting is missing or invalid.
    """
    keep = "SEAWALL_BACKUP_KEEP_S"
    return BackupSettings(
        name=os.environ.get("SEAWALL_POD_NAME") or socket.gethostname(),
        hosts=tuple(env.text("SEAWALL_REDIS_HOSTS").split(",")),
        master_name=env.text("SEAWALL_MASTER_NAME"),
        bucket=env.text("SEAWALL_BACKUP_BUCKET"),
        prefix=env.text("SEAWALL_BACKUP_PREFIX"),
        keep_s=env.number(keep) if keep in os.environ else None,
        endpoint=os.environ.get("SEAWALL_BACKUP_ENDPOINT"),
        region=os.environ.get("SEAWALL_BACKUP_REGION"),
        credentials=_credentials(),
        scratch=Path(env.text("SEAWALL_BACKUP_SCRATCH")),
        dump_timeout_s=env.number("SEAWALL_BACKUP_DUMP_TIMEOUT_S"),
        secrets=Path(os.environ.get("SEAWALL_SECRETS_DIR", paths.SECRETS_DIR)),
        sentinel_port=env.number("SEAWALL_SENTINEL_PORT", ports.SENTINEL),
    )


def _credentials() -> Credentials:
    match env.text("SEAWALL_BACKUP_LOGIN"):
        case "role":
            return "role"
        case "secret":
            return "secret"
        case other:
            raise SettingsError(
                f"environment variable SEAWALL_BACKUP_LOGIN={other!r} is not role or secret"
            )
