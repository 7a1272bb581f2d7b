"""Providers are reached while no name server answers, even before their first request."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from contract import paths
from contract.gateway_config import Model, Target
from service.app import Gateway
from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamClient
from service.settings import Provider, Settings
from service.telemetry.log import RequestLog
from tests.conftest import CHECKOUT
from tests.service import connecting_without_names as program
from tests.service.connecting_without_names import answering


class NameServer:
    """A stub name server that knows one name while it is available."""

    def __init__(self) -> None:
        self.there = True
        self.asked = 0
        self.loses = 0
        self.learned = asyncio.Event()
        self.answers_after = threading.Event()
        self.answers_after.set()
        self._loop = asyncio.get_running_loop()

    def look_up(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        """Replaces socket.getaddrinfo; runs in the thread of the lookup."""
        self.answers_after.wait(timeout=20)
        self.asked += 1
        if not self.there or self.loses > 0:
            self.loses -= 1
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        if host != "provider.test":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        with contextlib.suppress(RuntimeError):  # the test has ended meanwhile
            self._loop.call_soon_threadsafe(self.learned.set)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]


@pytest.fixture
async def name_server(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    made = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    return made


async def test_unused_provider_is_reached_after_the_name_server_fails(
    name_server: NameServer,
) -> None:
    runner, port = await answering()
    url = f"http://provider.test:{port}/v1"
    client = UpstreamClient(0.5, [url])
    try:
        await asyncio.wait_for(name_server.learned.wait(), 5)
        name_server.there = False
        answer = await client.post(f"{url}/chat/completions", b"{}", {}, 5)
        assert await answer.whole(5) == b"ok"
    finally:
        await client.close()
        await runner.cleanup()


async def test_name_lookup_waits_for_an_answer_for_each_name(
    name_server: NameServer,
) -> None:
    name_server.answers_after.clear()
    client = UpstreamClient(0.5, ["http://provider.test/v1", "http://unknown.test/v1"])
    try:
        waits = asyncio.ensure_future(client.names_looked_up(10))
        assert not (await asyncio.wait([waits], timeout=0.2))[0], "no name was answered yet"
        name_server.answers_after.set()
        await asyncio.wait_for(waits, 5)
        assert name_server.learned.is_set()
    finally:
        name_server.answers_after.set()
        await client.close()


async def test_lost_name_lookup_is_retried(name_server: NameServer) -> None:
    name_server.loses = 1
    client = UpstreamClient(0.5, ["http://provider.test/v1"])
    try:
        await asyncio.wait_for(client.names_looked_up(10), 5)
        assert name_server.asked == 2
        assert name_server.learned.is_set()
    finally:
        await client.close()


async def test_gateway_startup_completes_when_provider_names_are_resolved(
    name_server: NameServer, tmp_path: Path
) -> None:
    (tmp_path / paths.API_KEYS_FILE).write_text('{"keys": []}')
    provider = Provider(kind="openai-compatible", base_url="http://provider.test/v1")
    model = Model(targets=(Target(provider="alpha", model="small"),))
    settings = Settings(secrets_dir=tmp_path, providers={"alpha": provider}, models={"fast": model})
    gateway = Gateway(settings, RequestLog(sys.stderr))
    name_server.answers_after.clear()
    async with contextlib.AsyncExitStack() as running:
        starts = asyncio.ensure_future(
            running.enter_async_context(gateway.router.lifespan_context(gateway))
        )
        assert not (await asyncio.wait([starts], timeout=0.2))[0], "no name was answered yet"
        name_server.answers_after.set()
        await asyncio.wait_for(starts, 5)


async def test_name_lookup_stops_waiting_for_a_silent_name_server(
    name_server: NameServer,
) -> None:
    name_server.answers_after.clear()
    client = UpstreamClient(0.5, ["http://provider.test/v1"])
    try:
        await asyncio.wait_for(client.names_looked_up(0.2), 5)
        assert not name_server.learned.is_set()
    finally:
        name_server.answers_after.set()
        await client.close()


async def test_unresolvable_name_is_a_connect_failure(
    name_server: NameServer,
) -> None:
    del name_server
    client = UpstreamClient(0.5)
    try:
        with pytest.raises(UpstreamFailure, match="connect"):
            await client.post("http://unknown.test/v1/chat/completions", b"{}", {}, 5)
    finally:
        await client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file")
def test_hanging_name_lookups_do_not_block_connections(tmp_path: Path) -> None:
    """Uses the system resolver, with a name server that is up and never answers."""
    file = tmp_path / "resolv.conf"
    file.write_text(f"nameserver {program.NAME_SERVER}\n")
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-m", program.__name__, file],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ok\n" * program.CONNECTIONS
