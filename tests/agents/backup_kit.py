"""A backup job with a real Redis and a real S3 server, for the backup tests. It has no tests."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agents.backup.retention import key_of
from agents.redis.configuration import users
from seawall.common.wait import wait_until
from tests.agents.pod_settings import pod_settings
from tests.conftest import CHECKOUT
from tests.object_store import ObjectStore
from tests.service.redis_kit import SENTINEL_PASSWORD, Node, RedisUnderTest

__all__ = ["PREFIX", "Job", "Run", "acl", "admit", "fill", "running_job"]

PREFIX = "team/prod"
PASSWORDS = {
    name: secrets.token_urlsafe(16)
    for name in ("app", "exporter", "operator", "replica", "sentinel")
}


@dataclass(frozen=True)
class Run:
    """The result and the log lines of one run of the job."""

    code: int
    lines: list[dict[str, Any]]
    raw: str

    @property
    def steps(self) -> list[str]:
        return [line["step"] for line in self.lines]

    @property
    def error(self) -> str:
        assert self.code == 1
        assert [step for step in self.lines if "error" in step] == self.lines[-1:], self.raw
        return str(self.lines[-1]["error"])


@dataclass
class Job:
    """The job, its Redis and its bucket."""

    redis: RedisUnderTest
    store: ObjectStore
    bucket: str
    folder: Path
    changed: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "SEAWALL_POD_NAME": "job-1",
            "SEAWALL_REDIS_HOSTS": "127.0.0.1",
            "SEAWALL_MASTER_NAME": "seawall",
            "SEAWALL_SENTINEL_PORT": str(self.redis.sentinel_port),
            "SEAWALL_SECRETS_DIR": str(self.folder / "secrets"),
            "SEAWALL_BACKUP_BUCKET": self.bucket,
            "SEAWALL_BACKUP_PREFIX": PREFIX,
            "SEAWALL_BACKUP_KEEP_S": str(7 * 86400),
            "SEAWALL_BACKUP_ENDPOINT": self.store.endpoint,
            "SEAWALL_BACKUP_REGION": "us-east-1",
            "SEAWALL_BACKUP_LOGIN": "secret",
            "SEAWALL_BACKUP_SCRATCH": str(self.folder / "scratch"),
            "SEAWALL_BACKUP_DUMP_TIMEOUT_S": "60",
            **self.changed,
        }

    def start(self, *before: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*before, sys.executable, "-m", "agents", "backup"],
            cwd=CHECKOUT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> Run:
        said = process.communicate(timeout=120)[0]
        assert not [secret for secret in self.secrets if secret in said], "a secret in the log"
        lines = [json.loads(line) for line in said.splitlines()]
        assert list((self.folder / "scratch").iterdir()) == [], "the dump must not stay"
        return Run(process.returncode, lines, said)

    def run(self, *before: str) -> Run:
        return self.finish(self.start(*before))

    @property
    def secrets(self) -> list[str]:
        files = (self.folder / "secrets").iterdir()
        return [file.read_text() for file in files if file.name != "backup-access-key"]

    def program(self, name: str, script: str) -> None:
        """Put a shell program on PATH before the real one."""
        file = self.folder / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def put(self, age: timedelta) -> str:
        """Store an earlier copy in the bucket."""
        key = key_of(PREFIX, datetime.now(UTC) - age, "job-0")
        self.store.client().put_object(Bucket=self.bucket, Key=key, Body=b"earlier")
        return key

    @property
    def keys(self) -> list[str]:
        listed = self.store.client().list_objects_v2(Bucket=self.bucket)
        return sorted(item.get("Key", "") for item in listed.get("Contents", []))


def acl(folder: Path) -> Mapping[str, str]:
    """The ACL rules of the bundled Redis users, by user name."""
    for name, password in PASSWORDS.items():
        (folder / f"redis-{name}-password").write_text(password)
    lines = users(pod_settings(folder)).splitlines()
    return {name: rules for _, name, rules in (line.split(" ", 2) for line in lines)}


def admit(node: Node, rules: Mapping[str, str]) -> None:
    """Create the job's Redis users with the rights that the bundled pods give them."""
    for name in ("exporter", "replica"):
        assert "OK" in node.command("ACL", "SETUSER", name, *rules[name].split())


@contextmanager
def running_job(folder: Path, store: ObjectStore) -> Generator[Job]:
    """Run a master, a replica and a sentinel, with an empty bucket and all files the job mounts."""
    for name in ("redis", "secrets", "served", "bin", "scratch"):
        (folder / name).mkdir()
    redis = RedisUnderTest(folder / "redis", with_replica=True)
    try:
        redis.wait_until_up()
        wait_until(
            lambda: "slave" in redis.ask_sentinel("SENTINEL", "REPLICAS", "seawall"),
            deadline_s=15,
            what="the sentinel to know the replica",
        )
        rules = acl(folder / "served")
        for node in (redis.master, *redis.replicas):
            admit(node, rules)
        redis.master.command("SET", "seawall:one", "1")
        replica = redis.replicas[0]
        wait_until(
            lambda: replica.command("GET", "seawall:one").split() == ["$1", "1"],
            deadline_s=15,
            what="the copy",
        )
        bucket = f"copies-{secrets.token_hex(4)}"
        store.client().create_bucket(Bucket=bucket)
        _mount(folder, store)
        yield Job(redis, store, bucket, folder)
    finally:
        redis.stop()


def _mount(folder: Path, store: ObjectStore) -> None:
    mounted = folder / "secrets"
    for name in ("redis-exporter-password", "redis-replica-password"):
        shutil.copy(folder / "served" / name, mounted / name)
    (mounted / "sentinel-password").write_text(SENTINEL_PASSWORD)
    (mounted / "backup-access-key").write_text(store.credentials["AWS_ACCESS_KEY_ID"])
    (mounted / "backup-secret-key").write_text(store.credentials["AWS_SECRET_ACCESS_KEY"])


def fill(job: Job, megabytes: int) -> None:
    """Write values of 64 KiB, so that the dump has their size."""
    script = (
        "for i = 1, ARGV[1] * 16 do redis.call('SET', 'seawall:big:' .. i,"
        " string.rep(string.char(i % 256), 65536)) end return ARGV[1]"
    )
    master, replica = job.redis.master, job.redis.replicas[0]
    assert "OK" in replica.command("CONFIG", "SET", "rdbcompression", "no")
    said = master.command("EVAL", script, "0", str(megabytes))
    assert said.split()[-1] == str(megabytes), said
    wait_until(
        lambda: replica.command("DBSIZE") == master.command("DBSIZE"),
        deadline_s=30,
        what="the replica to have it all",
    )
