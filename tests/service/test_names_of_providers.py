"""Providers are reached while no name server answers, also those that nobody asked before."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamClient


class NameServer(AbstractResolver):
    """Knows one name, as long as it is there."""

    there = True
    learned: asyncio.Event

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del family
        if not self.there or host != "provider.test":
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        self.learned.set()
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> type[NameServer]:
    monkeypatch.setattr(NameServer, "there", True)
    monkeypatch.setattr(NameServer, "learned", asyncio.Event(), raising=False)
    monkeypatch.setattr(aiohttp, "ThreadedResolver", NameServer)
    return NameServer


async def answering() -> tuple[web.AppRunner, int]:
    async def chat(request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1]


async def test_a_provider_that_nobody_asked_yet_is_reached_without_a_name_server(
    name_server: type[NameServer],
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
    name_server: type[NameServer],
) -> None:
    del name_server
    client = UpstreamClient(0.5)
    try:
        with pytest.raises(UpstreamFailure, match="connect"):
            await client.post("http://unknown.test/v1/chat/completions", b"{}", {}, 5)
    finally:
        await client.close()
