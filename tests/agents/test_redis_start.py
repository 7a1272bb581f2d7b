"""The steps of a start before the exec of Redis; the exec itself is replaced by an exception."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import NoReturn

import pytest

from agents.redis import start
from agents.redis.settings import Settings
from agents.redis.start_rule import Observation
from tests.agents.pod_settings import pod_settings

HOSTS = ("redis-0.test", "redis-1.test", "redis-2.test")


class Started(Exception):  # noqa: N818 - what would have become another program
    pass


@pytest.fixture(autouse=True)
def _umask() -> Generator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def steps() -> list[str]:
    """The steps of a start before the exec of the server, in order."""
    return []


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str]) -> Settings:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for user in ("app", "replica", "sentinel", "exporter", "operator"):
        (secrets / f"redis-{user}-password").write_text("secret")
    (tmp_path / "run").mkdir()

    def execvp(program: str, words: list[str]) -> NoReturn:
        raise Started(program, words)

    def observe(settings: Settings) -> Observation:
        steps.append("observe")
        votes: dict[str, str] = dict.fromkeys(HOSTS, HOSTS[1])
        return Observation(me=settings.own_host, votes=votes, holds_data=True, peer_keys={})

    monkeypatch.setattr(os, "execvp", execvp)

    def await_route(host: str, port: int) -> None:
        steps.append(f"route {host}:{port}")

    monkeypatch.setattr(start, "observe", observe)
    monkeypatch.setattr(start, "await_route", await_route)
    folders = {"data": tmp_path / "data", "run": tmp_path / "run"}
    return pod_settings(secrets, hosts=HOSTS, **folders)


def test_start_removes_the_stopped_file_of_an_earlier_container(settings: Settings) -> None:
    settings.stopped_file.touch()
    with pytest.raises(Started):
        start.start_redis(settings)
    assert not settings.stopped_file.exists(), "the sentinel would leave before the next hand-over"


def test_redis_starts_as_a_replica_of_the_master_that_sentinels_name(settings: Settings) -> None:
    with pytest.raises(Started) as started:
        start.start_redis(settings)
    assert started.value.args[0] == "redis-server"
    assert "replicaof redis-1.test 6379" in (settings.run / "redis.conf").read_text()
    assert not settings.waiting_file.exists()


def test_sentinels_are_asked_after_the_network_route_is_up(
    settings: Settings, steps: list[str]
) -> None:
    with pytest.raises(Started):
        start.start_redis(settings)
    assert steps == ["route redis-0.test:6379", "observe"]
