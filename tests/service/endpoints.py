"""A simulation of kube-proxy and the endpoints controller in one thread.

New connections go to a ready backend; open connections stay with their backend.
"""

import asyncio
import itertools
import threading
from collections.abc import Sequence
from typing import Self

from seawall.common.wait import wait_until
from tests.service.kit import Gateway, answers

PROBE_EVERY_S = 0.2


class Endpoints:
    """A TCP load balancer for gateways, which follows their readiness."""

    def __init__(self, gateways: Sequence[Gateway]) -> None:
        self._gateways = gateways
        self._ready: list[Gateway] = list(gateways)
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._port = 0
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._stop = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._port, deadline_s=5, what="the front's port")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        while not self._stop.is_set():
            states = [
                await asyncio.to_thread(answers, gateway.health_url("/health/ready"))
                for gateway in self._gateways
            ]
            self._ready = [g for g, up in zip(self._gateways, states, strict=True) if up]
            try:
                await asyncio.wait_for(self._stop.wait(), PROBE_EVERY_S)
            except TimeoutError:
                continue
        server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway = self._ready[next(self._turn) % len(self._ready)]
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        await asyncio.gather(
            self._pump(reader, up_writer), self._pump(up_reader, writer), return_exceptions=True
        )

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
