"""Backups of a real Redis to a real S3 server, with the command that the job runs."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from agents.backup.store import PART_BYTES
from seawall.common.wait import wait_until
from tests.agents.backup_kit import PREFIX, Job, fill
from tests.service.redis_kit import command, start
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]


def restored(job: Job, key: str, *words: str) -> str:
    """The answer of a Redis server that was started on a downloaded copy."""
    folder = job.folder / "restored"
    folder.mkdir()
    job.store.client().download_file(job.bucket, key, str(folder / "dump.rdb"))
    port = free_port()
    lines = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", "requirepass x", 'save ""']
    server = start(folder, lines)
    try:
        wait_until(
            lambda: "LOADING" not in command(port, "x", "PING"), deadline_s=15, what="the load"
        )
        return command(port, "x", *words)
    finally:
        server.kill()
        server.wait()


def test_a_backup_comes_from_the_replica_and_can_be_restored(job: Job) -> None:
    run = job.run()
    assert run.code == 0, run.raw
    assert run.steps == ["choose", "dump", "check", "upload", "verify", "remove"]
    assert all({"bytes", "seconds", "time"} <= set(line) for line in run.lines)
    chosen, dumped = run.lines[:2]
    assert (chosen["role"], chosen["port"]) == ("replica", job.redis.replicas[0].port)
    (key,) = job.keys
    assert key.startswith(f"{PREFIX}/20")
    assert key.endswith("Z-job-1.rdb")
    head = job.store.client().head_object(Bucket=job.bucket, Key=key)
    assert head["ContentLength"] == dumped["bytes"] > 0
    assert restored(job, key, "GET", "seawall:one").split() == ["$1", "1"]


def test_large_dump_is_a_multipart_upload_with_verified_checksums(job: Job) -> None:
    fill(job, 20)
    run = job.run()
    assert run.code == 0, run.raw
    assert run.lines[1]["bytes"] > PART_BYTES
    assert run.lines[4]["sha256"].endswith("-2")
    assert "65536" in restored(job, job.keys[0], "STRLEN", "seawall:big:320")


def test_backup_uses_the_master_when_no_replica_is_in_sync(job: Job) -> None:
    replica = job.redis.replicas[0]
    replica.command("REPLICAOF", "127.0.0.1", str(free_port()))
    run = job.run()
    assert run.code == 0, run.raw
    assert (run.lines[0]["role"], run.lines[0]["port"]) == ("master", job.redis.master.port)


def test_expired_copies_are_removed_and_other_objects_stay(job: Job, earlier: list[str]) -> None:
    young = job.put(timedelta(days=6))
    job.store.client().put_object(Bucket=job.bucket, Key=f"{PREFIX}/README", Body=b"x")
    run = job.run()
    assert run.code == 0, run.raw
    assert (run.lines[-1]["copies"], run.lines[-1]["bytes"]) == (2, 2 * len(b"earlier"))
    assert not set(earlier) & set(job.keys)
    assert {young, f"{PREFIX}/README", str(run.lines[3]["key"])} == set(job.keys)


def test_new_copy_stays_with_a_retention_of_zero(job: Job) -> None:
    job.changed["SEAWALL_BACKUP_KEEP_S"] = "0"
    job.put(timedelta(hours=1))
    run = job.run()
    assert run.code == 0, run.raw
    assert job.keys == [run.lines[3]["key"]]


def test_nothing_is_removed_when_the_bucket_expires_objects_itself(
    job: Job, earlier: list[str]
) -> None:
    run = job.finish(job.start("env", "-u", "SEAWALL_BACKUP_KEEP_S"))
    assert run.code == 0, run.raw
    assert run.steps[-1] == "verify"
    assert set(earlier) < set(job.keys)


def test_login_by_role_uses_the_default_credential_chain(job: Job) -> None:
    job.changed |= {"SEAWALL_BACKUP_LOGIN": "role", **job.store.credentials}
    for name in ("backup-access-key", "backup-secret-key"):
        (job.folder / "secrets" / name).unlink()
    assert job.run().code == 0


def test_no_password_is_in_the_arguments_of_any_process(job: Job) -> None:
    real = shutil.which("redis-cli")
    job.program("redis-cli", f'sleep 0.5; {real} "$@"; code=$?; sleep 0.5; exit $code')
    seen: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(entry.read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        run = job.run()
    finally:
        ended.set()
        watcher.join()
    assert run.code == 0, run.raw
    assert [line for line in seen if "redis-cli" in line and "--rdb" in line], "nothing was seen"
    assert not [line for line in seen for secret in job.secrets if secret in line]
