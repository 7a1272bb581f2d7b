"""`python -m simulator.alerts`: a receiver for Alertmanager's webhooks that stores them.

POST /<severity> stores a message; GET / returns the stored messages, the oldest first.
"""

import argparse
import asyncio
import signal
import sys
from collections import deque

import msgspec
import uvloop
from starlette.types import Receive, Scope, Send

from contract.ports import SIMULATOR_HTTP
from simulator.asgi import read_body, send_json
from simulator.server import bare_server

__all__ = ["AlertsApi", "main"]

_KEPT = 200
"""Messages that are kept: the alerts of a bad day."""


class AlertsApi:
    """Stores the messages that it receives."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, object]] = deque(maxlen=_KEPT)
        self._decode = msgspec.json.Decoder(dict[str, object]).decode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if scope["method"] == "GET" and scope["path"] == "/":
            await send_json(send, 200, msgspec.json.encode(list(self._kept)))
        elif scope["method"] == "POST":
            await self._keep(scope["path"].strip("/"), await read_body(receive), send)
        else:
            await _refuse(send, 404, "served here: POST /<severity>, GET /")

    async def _keep(self, receiver: str, body: bytes, send: Send) -> None:
        try:
            message = self._decode(body)
        except msgspec.DecodeError as error:
            await _refuse(send, 400, str(error))
            return
        self._kept.append({"receiver": receiver, "message": message})
        sys.stdout.write(f"{receiver}: {body.decode(errors='replace')}\n")
        sys.stdout.flush()
        await send_json(send, 200, b"{}")


async def _refuse(send: Send, status: int, message: str) -> None:
    await send_json(send, status, msgspec.json.encode({"error": message}))


def main() -> int:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m simulator.alerts", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - a pod's own network namespace
    parser.add_argument("--port", type=int, default=SIMULATOR_HTTP)
    arguments = parser.parse_args()
    server = bare_server(AlertsApi(), host=arguments.host, port=arguments.port)

    async def run() -> None:
        def stop() -> None:
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        await server.serve()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
