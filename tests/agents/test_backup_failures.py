"""Failed backups with real servers: one line, exit code 1, and nothing is removed."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from seawall.common.wait import wait_until
from tests.agents.backup_kit import Job, Run, fill
from tests.conftest import CHECKOUT
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]


def test_refused_credentials_are_one_line_and_nothing_is_removed(
    job: Job, earlier: list[str]
) -> None:
    (job.folder / "secrets" / "backup-secret-key").write_text("another-secret")
    run = job.run()
    assert run.steps[-1] == "upload", run.raw
    assert "PutObject was answered with SignatureDoesNotMatch" in run.error
    assert job.keys == earlier


def test_a_missing_bucket_is_one_line(job: Job) -> None:
    job.changed["SEAWALL_BACKUP_BUCKET"] = "nobody-made-it"
    assert "bucket nobody-made-it: upload: PutObject was answered with NoSuchBucket" in (
        job.run().error
    )


def test_unreachable_storage_is_one_line(job: Job) -> None:
    job.changed["SEAWALL_BACKUP_ENDPOINT"] = f"http://127.0.0.1:{free_port()}"
    assert "EndpointConnectionError" in job.run().error


def test_unreachable_redis_is_one_line_and_nothing_is_removed(job: Job, earlier: list[str]) -> None:
    for node in (job.redis.master, *job.redis.replicas):
        node.process.kill()
        node.process.wait()
    run = job.run()
    assert run.steps[-1] == "dump"
    assert "redis-cli ended with 1" in run.error
    assert job.keys == earlier


def test_unreachable_sentinels_are_one_line_and_nothing_is_removed(
    job: Job, earlier: list[str]
) -> None:
    job.changed["SEAWALL_SENTINEL_PORT"] = str(free_port())
    assert "0 of 1 sentinels agree on a master" in job.run().error
    assert job.keys == earlier


def test_one_of_two_sentinels_is_no_majority(job: Job) -> None:
    job.changed["SEAWALL_REDIS_HOSTS"] = "127.0.0.1,127.0.0.2"
    assert "1 of 2 sentinels agree on a master" in job.run().error


def test_a_dump_without_keys_is_refused(job: Job, earlier: list[str]) -> None:
    job.redis.master.command("FLUSHALL")
    replica = job.redis.replicas[0]
    wait_until(lambda: ":0" in replica.command("DBSIZE"), deadline_s=15, what="the copy")
    run = job.run()
    assert run.steps[-1] == "check"
    assert "it has no keys" in run.error
    assert job.keys == earlier


def test_dump_that_fails_the_check_is_not_uploaded(job: Job, earlier: list[str]) -> None:
    real = shutil.which("redis-check-rdb")
    job.program("redis-check-rdb", f'truncate -s -20 "$1"; exec {real} "$1"')
    run = job.run()
    assert run.steps[-1] == "check"
    assert "redis-check-rdb ended with 1" in run.error
    assert job.keys == earlier


def test_checksum_mismatch_after_upload_fails_and_nothing_is_removed(
    job: Job, earlier: list[str]
) -> None:
    # No available storage alters the objects it stores, so the test alters the storage's answer.
    program = (
        "import sys, agents.backup.job as job, agents.backup.store as store\n"
        "real = store.Store.content\n"
        "store.Store.content = lambda self, key: store.Content(real(self, key).size, 'other')\n"
        "sys.exit(job.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=CHECKOUT,
        env=job.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    run = Run(done.returncode, [json.loads(line) for line in done.stdout.splitlines()], "")
    assert run.steps[-1] == "verify"
    assert "do not restore it" in run.error
    assert set(earlier) < set(job.keys)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_is_one_line_and_nothing_is_removed(job: Job, earlier: list[str]) -> None:
    fill(job, 2)
    scratch = job.folder / "scratch"
    mount = f'mount -t tmpfs -o size=256k tmpfs "{scratch}" && exec "$@"'
    run = job.run("unshare", "--mount", "sh", "-c", mount, "sh")
    assert run.steps[-1] == "dump"
    assert "redis-cli ended with 1" in run.error
    assert job.keys == earlier


def test_sigterm_ends_the_job_with_one_line(job: Job, earlier: list[str]) -> None:
    job.program("redis-cli", f'touch "{job.folder}/begun"; exec sleep 60')
    process = job.start()
    wait_until((job.folder / "begun").exists, deadline_s=20, what="the dump to begin")
    process.terminate()
    assert "stopped by SIGTERM" in job.finish(process).error
    assert job.keys == earlier
