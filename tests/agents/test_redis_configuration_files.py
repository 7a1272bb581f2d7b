import hashlib
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from agents.env import SettingsError
from agents.redis.configuration import (
    redis_configuration,
    sentinel_configuration,
    users,
    write_private,
)
from agents.redis.settings import Settings
from seawall.common.wait import wait_until
from tests.agents.pod_settings import pod_settings
from tests.service.redis_kit import APP_RULES

PASSWORDS = (
    "redis-app-password",
    "redis-replica-password",
    "redis-sentinel-password",
    "redis-exporter-password",
    "redis-operator-password",
    "sentinel-password",
)


SIGNS = """"#K7}$'w=]q"2#v,{M`x;<5+)L@p>&Z*~ a\\x41b \u00fc"""
"""Characters from password managers; some have a meaning in configuration files."""


def password(name: str) -> str:
    return f"{SIGNS} secret-of-{name}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in PASSWORDS:
        (secrets / name).write_text(f"{password(name)}\n")
    folders = {"data": tmp_path / "data", "run": tmp_path / "run"}
    return pod_settings(secrets, redis_port=16379, **folders)


def test_acl_file_contains_hashes_and_disables_the_default_user(settings: Settings) -> None:
    text = users(settings)
    assert "secret-of" not in text
    assert hashlib.sha256(password("redis-app-password").encode()).hexdigest() in text
    assert "user default off" in text


def test_application_user_has_no_admin_commands(settings: Settings) -> None:
    app = next(line for line in users(settings).splitlines() if line.startswith("user app "))
    assert "-@all" in app
    assert "@admin" not in app
    assert "~seawall:*" in app, "only the kit's own keys"
    assert app.endswith(APP_RULES), "the gateway's tests run with these rights"


def test_first_sentinel_monitors_the_first_pod(settings: Settings) -> None:
    text = sentinel_configuration(settings, "")
    assert "sentinel monitor seawall redis-0.test 16379 2" in text


def test_restarted_sentinel_keeps_its_state_and_uses_rotated_passwords(
    settings: Settings,
) -> None:
    first = sentinel_configuration(settings, "")
    learnt = first.replace("monitor seawall redis-0.test", "monitor seawall redis-2.test")
    learnt += "sentinel myid 0123456789abcdef\nsentinel known-replica seawall redis-0.test 16379\n"
    (settings.secrets / "sentinel-password").write_text("rotated")
    again = sentinel_configuration(settings, learnt)
    assert "monitor seawall redis-2.test" in again
    assert "sentinel myid 0123456789abcdef" in again
    assert "known-replica seawall redis-0.test" in again
    assert 'requirepass "rotated"' in again
    assert "secret-of-sentinel-password" not in again
    assert again.count("sentinel monitor ") == 1


def test_a_missing_secret_is_named(settings: Settings) -> None:
    (settings.secrets / "redis-app-password").unlink()
    with pytest.raises(SettingsError, match="redis-app-password cannot be read"):
        users(settings)


def test_private_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    write_private(tmp_path / "deep" / "file", "text")
    assert (tmp_path / "deep" / "file").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def redis(settings: Settings) -> Generator[Settings]:
    settings.redis_folder.mkdir(parents=True)
    write_private(settings.run / "users.acl", users(settings))
    configuration = settings.run / "redis.conf"
    write_private(configuration, redis_configuration(settings, master=None))
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed: make check installs it"
    server = subprocess.Popen([program, configuration], stdout=subprocess.DEVNULL)
    try:
        wait_until(
            lambda: cli(settings, "operator", "PING") == "PONG", deadline_s=10, what="redis-server"
        )
        yield settings
    finally:
        server.kill()
        server.wait()


def test_real_redis_loads_the_files_and_enforces_the_acl(redis: Settings) -> None:
    assert cli(redis, "app", "FLUSHALL").startswith("NOPERM")
    assert cli(redis, "app", "GET", "other:key").startswith("NOPERM")
    assert cli(redis, "app", "GET", "seawall:key") == ""
    assert cli(redis, "app", "EVAL", "return 1", "0") == "1"
    assert cli(redis, "replica", "GET", "seawall:key").startswith("NOPERM")
    assert "role:master" in cli(redis, "exporter", "INFO", "replication")
    kept = cli(redis, "operator", "CONFIG", "GET", "masterauth").splitlines()[-1]
    assert kept == password("redis-replica-password")


def test_a_master_without_replicas_refuses_writes(redis: Settings) -> None:
    assert cli(redis, "app", "SET", "seawall:key", "x").startswith("NOREPLICAS")


def test_exporter_user_may_read_sentinel_state_and_not_change_it(
    redis: Settings,
) -> None:
    file = redis.sentinel_file
    write_private(file, sentinel_configuration(redis, ""))
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed: make check installs it"
    server = subprocess.Popen([program, file, "--sentinel"], stdout=subprocess.DEVNULL)
    port = redis.sentinel_port
    try:
        wait_until(
            lambda: cli(redis, "exporter", "PING", port=port) == "PONG",
            deadline_s=10,
            what="the sentinel",
        )
        assert "sentinel_masters:" in cli(redis, "exporter", "INFO", "sentinel", port=port)
        assert "num-other-sentinels" in cli(redis, "exporter", "SENTINEL", "MASTERS", port=port)
        for order in (("FAILOVER", "seawall"), ("REMOVE", "seawall"), ("RESET", "*")):
            answer = cli(redis, "exporter", "SENTINEL", *order, port=port)
            assert answer.startswith("NOPERM"), order
    finally:
        server.kill()
        server.wait()


def cli(settings: Settings, user: str, *command: str, port: int | None = None) -> str:
    done = subprocess.run(
        ["redis-cli", "-p", str(port or settings.redis_port), "--user", user, *command],
        env={"REDISCLI_AUTH": settings.password(f"redis-{user}-password"), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
