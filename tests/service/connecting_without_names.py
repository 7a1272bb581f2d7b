"""`python -m tests.service.connecting_without_names FILE`: connect while DNS lookups hang.

Runs in its own mount namespace, where FILE replaces /etc/resolv.conf. The name server in that file
is this program, which receives queries and answers none. It prints a line for each answer of a
provider with a numeric address.
"""

import asyncio
import socket
import subprocess
import sys

import uvloop
from aiohttp import web

from service.providers.http import UpstreamClient

CONNECTIONS = 5
IN_VAIN = 4
"""The number of hanging lookups; libuv, on which uvloop is built, runs two at a time."""
NAME_SERVER = "127.0.0.77"
_CONNECT_S = 0.5


async def answering() -> tuple[web.AppRunner, int]:
    """Start a provider on loopback; return its runner and its port."""

    async def chat(request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok", headers={"Connection": "close"})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1]


async def main() -> None:
    """Start lookups that hang, and then connect repeatedly."""
    loop = asyncio.get_running_loop()
    runner, port = await answering()
    client = UpstreamClient(_CONNECT_S)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((NAME_SERVER, 53))
        silent.setblocking(False)  # noqa: FBT003 - so it is called
        urls = [f"http://provider{number}.test/v1/chat/completions" for number in range(IN_VAIN)]
        vain = [asyncio.ensure_future(client.post(url, b"{}", {}, 5)) for url in urls]
        asked = await asyncio.wait_for(loop.sock_recv(silent, 512), 5)
        assert b"provider" in asked
        for _ in range(CONNECTIONS):
            answer = await client.post(f"http://127.0.0.1:{port}/v1/chat/completions", b"{}", {}, 5)
            print((await answer.whole(5)).decode(), flush=True)
            answer.close()
        await asyncio.gather(*vain, return_exceptions=True)
    await client.close()
    await runner.cleanup()


if __name__ == "__main__":
    subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runs:
        runs.run(main())
