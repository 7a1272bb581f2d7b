"""The simulator's OpenAI-compatible API, as a plain ASGI application."""

import asyncio

import msgspec
from starlette.types import Receive, Scope, Send

from service.simulator.answers import Answers, ChatRequest
from service.simulator.asgi import Answering, ClientGone, read_body, send_json, send_whole
from service.simulator.faults import Fault, Faults

__all__ = ["SimulatorApi"]

_FOR_EVER_S = 3600.0
_BEFORE_BREAK_S = 0.05
_KEPT_BYTES = 65536
_SSE = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
_HTML = b"<html><body><h1>502 Bad Gateway</h1><p>seawall provider simulator</p></body></html>"
_decode = msgspec.json.Decoder(ChatRequest).decode


class SimulatorApi:
    """Answers, unless a fault is in force."""

    def __init__(self, answers: Answers, faults: Faults, token_delay_s: float) -> None:
        self._answers = answers
        self._faults = faults
        self._token_delay_s = token_delay_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        wanted = (scope["method"], scope["path"])
        if wanted == ("GET", "/v1/models"):
            await send_json(send, 200, self._answers.models())
        elif wanted == ("POST", "/v1/chat/completions"):
            await self._chat(scope, receive, send)
        else:
            error = self._answers.error("not simulated", "invalid_request_error", "unknown_url")
            await send_json(send, 404, error)

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._faults.requests += 1
        body = await read_body(receive)
        self._faults.last_body = body[:_KEPT_BYTES].decode(errors="replace")
        try:
            request = _decode(body)
        except msgspec.DecodeError as error:
            message = self._answers.error(str(error), "invalid_request_error", None)
            await send_json(send, 400, message)
            return
        self._faults.streamed += request.stream
        answering = Answering(scope, receive, send)
        try:
            await answering.run(self._answer(request, self._faults.take(), answering))
        except ClientGone:
            self._faults.client_gone += 1
        else:
            self._faults.completed += 1

    async def _answer(self, request: ChatRequest, fault: Fault | None, to: Answering) -> None:
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "status":
            await self._status(fault, to.send)
        elif kind == "refuse":
            await to.reset()
        elif kind == "hang":
            await asyncio.sleep(_FOR_EVER_S)
        elif kind == "html_200":
            await send_whole(to.send, 200, [(b"content-type", b"text/html")], _HTML)
        elif request.stream:
            await self._stream(request, fault, to)
        else:
            await self._whole(request, fault, to)

    async def _status(self, fault: Fault, send: Send) -> None:
        code = int(fault.number("code"))
        headers = [(b"content-type", b"application/json")]
        if fault.parameters["retry_after"] is not None:
            headers.append((b"retry-after", f"{fault.number('retry_after'):g}".encode()))
        body = self._answers.error(f"simulated status {code}", "simulated_error", "simulated")
        await send_whole(send, code, headers, body)

    async def _whole(self, request: ChatRequest, fault: Fault | None, to: Answering) -> None:
        body = self._answers.whole(request)
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "slow_first_token":
            await asyncio.sleep(fault.number("seconds"))
        if kind == "malformed_event":
            body = body[: len(body) // 2]
        elif kind == "error_event":
            body = self._answers.error("simulated error with status 200", "server_error", None)
        elif kind in ("cut_mid_stream", "stall_mid_stream"):
            length = (b"content-length", str(len(body)).encode())
            await to.start(200, [(b"content-type", b"application/json"), length])
            await to.write(body[: len(body) // 2])
            if kind == "stall_mid_stream":
                await asyncio.sleep(_FOR_EVER_S)
            await to.reset()
        await self._pause()
        await send_json(to.send, 200, body)

    async def _stream(self, request: ChatRequest, fault: Fault | None, to: Answering) -> None:
        await to.start(200, _SSE)
        after = -2
        if fault is not None:
            if fault.kind == "slow_first_token":
                await asyncio.sleep(fault.number("seconds"))
            else:
                after = int(fault.number("after"))
        pieces, ending = self._answers.streamed(request)
        if fault is None and not self._token_delay_s:
            await to.end(b"".join((*pieces, ending)))
            return
        # The role comes before the first piece of text, and before any fault.
        for number, piece in enumerate(pieces, start=-1):
            if fault is not None and number == after:
                await self._break(fault, to)
                return
            await to.write(piece)
            await self._pause()
        if fault is not None and after >= len(pieces) - 1:
            await self._break(fault, to)
            return
        await to.end(ending)

    async def _break(self, fault: Fault, to: Answering) -> None:
        # What came before travels alone, so that the fault meets a client that has read it.
        await asyncio.sleep(_BEFORE_BREAK_S)
        if fault.kind == "stall_mid_stream":
            await asyncio.sleep(_FOR_EVER_S)
        elif fault.kind == "malformed_event":
            await to.end(b'data: {"choices": [{"index": 0, "delta"\n\ndata: [DONE]\n\n')
        elif fault.kind == "error_event":
            error = self._answers.error("simulated error in a stream", "server_error", None)
            await to.end(b"data: " + error + b"\n\n")
        elif fault.parameters["how"] == "reset":
            await to.reset()
        else:
            await to.end(b"")

    async def _pause(self) -> None:
        if self._token_delay_s:
            await asyncio.sleep(self._token_delay_s)
