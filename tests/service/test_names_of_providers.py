"""Providers are reached while no name server answers, also those that nobody asked before."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamClient
from tests.conftest import CHECKOUT
from tests.service import connecting_without_names as program
from tests.service.connecting_without_names import answering


class NameServer:
    """Knows one name, as long as it is there."""

    def __init__(self) -> None:
        self.there = True
        self.learned = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def look_up(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        """In place of socket.getaddrinfo."""
        if not self.there or host != "provider.test":
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        self._loop.call_soon_threadsafe(self.learned.set)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]


@pytest.fixture
async def name_server(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    made = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    return made


async def test_a_provider_that_nobody_asked_yet_is_reached_without_a_name_server(
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


async def test_a_name_that_never_had_an_address_is_a_failure_to_connect(
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
def test_lookups_in_vain_do_not_hold_up_connections(tmp_path: Path) -> None:
    """With the system's own resolver, whose name server is there and says nothing."""
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
