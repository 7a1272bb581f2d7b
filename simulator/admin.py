"""The simulator's admin port: it sets the active fault, and reports the requests so far."""

import dataclasses

import msgspec
from starlette.types import Receive, Scope, Send

from simulator.asgi import read_body, send_json
from simulator.faults import FaultError, Faults, parse_fault

__all__ = ["AdminApi"]

_decode = msgspec.json.Decoder(dict[str, object]).decode


class AdminApi:
    """PUT /fault, DELETE /fault, GET /state."""

    def __init__(self, name: str, faults: Faults) -> None:
        self._name = name
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        wanted = (scope["method"], scope["path"])
        if wanted == ("PUT", "/fault"):
            await self._put(await read_body(receive), send)
        elif wanted == ("DELETE", "/fault"):
            self._faults.current = None
            await self._state(send)
        elif wanted == ("GET", "/state"):
            await self._state(send)
        else:
            await self._refuse(send, 404, "served here: PUT /fault, DELETE /fault, GET /state")

    async def _put(self, body: bytes, send: Send) -> None:
        try:
            self._faults.current = parse_fault(_decode(body))
        except (FaultError, msgspec.DecodeError) as error:
            await self._refuse(send, 400, str(error))
            return
        await self._state(send)

    async def _state(self, send: Send) -> None:
        state = dataclasses.asdict(self._faults)
        await send_json(send, 200, msgspec.json.encode({"name": self._name, **state}))

    @staticmethod
    async def _refuse(send: Send, status: int, message: str) -> None:
        await send_json(send, status, msgspec.json.encode({"error": message}))
