"""Backup logic without a server: names, ages, settings and log lines."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from agents.backup import dump, settings
from agents.backup import job as job_module
from agents.backup.errors import BackupError
from agents.backup.job import main
from agents.backup.journal import Journal
from agents.backup.retention import expired, key_of
from agents.backup.settings import BackupSettings, read_backup_settings
from agents.backup.source import Source
from agents.backup.store import PART_BYTES, content_of
from agents.env import SettingsError
from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.servers]

NOW = datetime(2030, 5, 1, 12, 0, 0, tzinfo=UTC)
GIVEN = {
    "SEAWALL_POD_NAME": "job-1",
    "SEAWALL_REDIS_HOSTS": "redis-0.test,redis-1.test,redis-2.test",
    "SEAWALL_MASTER_NAME": "seawall",
    "SEAWALL_BACKUP_BUCKET": "copies",
    "SEAWALL_BACKUP_PREFIX": "team/prod",
    "SEAWALL_BACKUP_KEEP_S": "86400",
    "SEAWALL_BACKUP_LOGIN": "role",
    "SEAWALL_BACKUP_SCRATCH": "/scratch",
    "SEAWALL_BACKUP_DUMP_TIMEOUT_S": "60",
}


@pytest.fixture(autouse=True)
def _signals() -> Generator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Put shell programs first on PATH; `_` in a name stands for a dash."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def job(tmp_path: Path, *, timeout_s: int = 60) -> BackupSettings:
    (tmp_path / "redis-replica-password").write_text("secret-of-the-replica")
    return BackupSettings(
        name="job-1",
        hosts=("127.0.0.1",),
        master_name="seawall",
        bucket="copies",
        prefix="team/prod",
        keep_s=None,
        endpoint=None,
        region=None,
        credentials="role",
        scratch=tmp_path,
        dump_timeout_s=timeout_s,
        secrets=tmp_path,
        sentinel_port=1,
    )


def copy(age: timedelta) -> str:
    return key_of("team/prod", NOW - age, "job-1")


def test_backup_names_contain_the_utc_time_and_sort_by_it() -> None:
    assert copy(timedelta()) == "team/prod/20300501T120000Z-job-1.rdb"
    assert max(copy(timedelta(days=300)), copy(timedelta())) == copy(timedelta())


def test_only_expired_copies_are_removed_oldest_first() -> None:
    young, old, older = (copy(timedelta(days=days)) for days in (6, 8, 400))
    new = copy(timedelta())
    keep = timedelta(days=7)
    found = expired([young, old, new, older], prefix="team/prod", verified=new, now=NOW, keep=keep)
    assert found == [older, old]


def test_verified_copy_is_never_removed() -> None:
    only, other = copy(timedelta(days=400)), copy(timedelta(days=401))
    found = expired(
        [only, other], prefix="team/prod", verified=only, now=NOW, keep=timedelta(seconds=1)
    )
    assert found == [other]


@pytest.mark.parametrize(
    "key",
    [
        "team/prod/README",
        "team/prod/20000101T000000Z-a.rdb.part",
        "team/prod/deeper/20000101T000000Z-a.rdb",
        "team/prod/20001399T000000Z-a.rdb",
        "team/prod-2/20000101T000000Z-a.rdb",
        "other/20000101T000000Z-a.rdb",
    ],
)
def test_objects_with_other_names_are_never_removed(key: str) -> None:
    assert expired([key], prefix="team/prod", verified="", now=NOW, keep=timedelta()) == []


def test_settings_come_from_the_environment(given: pytest.MonkeyPatch) -> None:
    read = read_backup_settings()
    assert read.hosts == ("redis-0.test", "redis-1.test", "redis-2.test")
    assert (read.keep_s, read.sentinel_port, read.endpoint) == (86400, 26379, None)
    given.delenv("SEAWALL_BACKUP_KEEP_S")
    assert read_backup_settings().keep_s is None, "the bucket removes old copies"


def test_hostname_is_used_without_a_pod_name(given: pytest.MonkeyPatch) -> None:
    given.delenv("SEAWALL_POD_NAME")
    given.setattr(settings.socket, "gethostname", lambda: "host-7")
    assert read_backup_settings().name == "host-7"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SEAWALL_BACKUP_BUCKET", "", "SEAWALL_BACKUP_BUCKET is not set"),
        ("SEAWALL_BACKUP_KEEP_S", "7d", "SEAWALL_BACKUP_KEEP_S='7d' is not a whole number"),
        ("SEAWALL_BACKUP_LOGIN", "x", "LOGIN='x' is not role or secret"),
        ("SEAWALL_SENTINEL_PORT", "-1", "SEAWALL_SENTINEL_PORT='-1' is not a whole number"),
    ],
)
def test_invalid_setting_is_named(
    given: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    given.setenv(name, value)
    with pytest.raises(SettingsError, match=told):
        read_backup_settings()


def test_invalid_settings_are_one_line_and_exit_code_1() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agents", "backup"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert "SEAWALL_REDIS_HOSTS is not set" in json.loads(line)["error"]


def test_missing_boto3_is_one_line_that_names_the_right_image(
    given: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given.setitem(sys.modules, "boto3", None)
    given.delitem(sys.modules, "agents.backup.store")
    assert main() == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["error"] == (
        "boto3 is missing: run the job with the image of target ops"
    )


def test_unexpected_error_is_one_line_without_its_message(
    given: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def choose(settings: BackupSettings) -> NoReturn:
        raise ValueError(f"secret of {settings.name}")

    given.setattr(job_module, "choose", choose)
    assert main() == 1
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    assert (said.err, json.loads(line)["step"]) == ("", "choose")
    assert "unexpected ValueError at " in line
    assert "secret of" not in line


def test_empty_or_missing_secret_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sentinel-password").write_text("\n")
    with pytest.raises(SettingsError, match="sentinel-password is empty"):
        job(tmp_path).secret("sentinel-password")
    with pytest.raises(SettingsError, match="backup-secret-key cannot be read: mount it"):
        job(tmp_path).secret("backup-secret-key")


def test_step_is_logged_as_one_line_with_bytes_and_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = Journal()
    with journal.step("dump") as said:
        said["bytes"] = 7
    line = json.loads(capsys.readouterr().out)
    assert (line["step"], line["bytes"], line["seconds"] >= 0) == ("dump", 7, True)


def test_failure_is_logged_as_one_line_with_its_step(capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal()
    with pytest.raises(ValueError, match="wrong"), journal.step("upload"):
        raise ValueError("wrong")
    journal.failed("first\n  second")
    (text,) = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    assert (line["step"], line["error"]) == ("upload", "first second")


SOURCE = Source("127.0.0.1", 1, "replica")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 0", "succeeded but wrote nothing"),
        ('for last; do :; done; : > "$last"', "succeeded but wrote nothing"),
        ("echo No space left >&2; exit 1", "redis-cli ended with 1: No space left"),
        ("exit 3", "redis-cli ended with 3: no output"),
        ("exec sleep 60", "did not end within 1 s"),
        ('echo "AUTH $REDISCLI_AUTH" >&2; exit 1', r"AUTH \*\*\*"),
    ],
)
def test_failed_dump_reports_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    programs(tmp_path / "bin", monkeypatch, redis_cli=script)
    with pytest.raises(BackupError, match=told) as failed:
        dump.take(job(tmp_path, timeout_s=1), SOURCE, tmp_path / "dump.rdb")
    assert "secret-of-the-replica" not in str(failed.value)


def test_redis_cli_environment_contains_only_its_own_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path / "bin", monkeypatch, redis_cli='for last; do :; done; env > "$last"')
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-storage")
    dump.take(job(tmp_path), SOURCE, tmp_path / "dump.rdb")
    seen = (tmp_path / "dump.rdb").read_text()
    assert "REDISCLI_AUTH=secret-of-the-replica" in seen
    assert "secret-of-the-storage" not in seen


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo '[info] 0 keys read'", "it has no keys"),
        ("echo fine", "did not report the number of keys"),
        ("echo '[info] 3 keys read'; echo --- RDB ERROR; exit 1", "ended with 1: --- RDB ERROR"),
    ],
)
def test_failed_check_reports_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    programs(tmp_path / "bin", monkeypatch, redis_check_rdb=script)
    with pytest.raises(BackupError, match=told):
        dump.check(job(tmp_path), tmp_path / "dump.rdb")


def test_damaged_dump_fails_redis_check_rdb(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0010" + bytes(100))
    with pytest.raises(BackupError, match="redis-check-rdb ended with 1"):
        dump.check(job(tmp_path), tmp_path / "dump.rdb")


def test_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="redis-check-rdb cannot be started"):
        dump.check(job(tmp_path), tmp_path / "dump.rdb")


@pytest.mark.parametrize(("size", "parts"), [(1, 0), (PART_BYTES, 1), (PART_BYTES + 1, 2)])
def test_checksum_ends_with_the_number_of_parts(tmp_path: Path, size: int, parts: int) -> None:
    file = tmp_path / "dump.rdb"
    file.write_bytes(bytes(size))
    content = content_of(file)
    assert content.size == size
    assert content.checksum.partition("-")[2] == (str(parts) if parts else "")


def test_the_checksum_of_a_small_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"abc")
    # SHA-256 of "abc", from the examples of FIPS 180-4, in base64.
    assert content_of(tmp_path / "dump.rdb").checksum == (
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    )
