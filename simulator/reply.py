"""One answer of the simulator, whole or streamed, with its fault."""

import asyncio

from simulator.answers import Answers, ChatRequest
from simulator.asgi import Answering, send_json, send_whole
from simulator.faults import Fault

__all__ = ["Reply"]

_FOR_EVER_S = 3600.0
_BEFORE_BREAK_S = 0.05
_SSE = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
_HTML = b"<html><body><h1>502 Bad Gateway</h1><p>seawall provider simulator</p></body></html>"
_BAD_REQUEST = 400
_ALL_ALONG = ("slow_first_token", "trickle", "large_answer", "other_model")
"""Faults with which a stream still ends normally."""


class Reply:
    """Sends one answer; one object per request."""

    def __init__(
        self,
        answers: Answers,
        request: ChatRequest,
        fault: Fault | None,
        to: Answering,
        token_delay_s: float,
    ) -> None:
        self._answers = answers
        self._request = request
        self._fault = fault
        self._kind = fault.kind if fault is not None else ""
        self._to = to
        self._delay_s = fault.number("seconds") if fault and self._kind == "trickle" else 0.0
        self._delay_s = self._delay_s or token_delay_s

    async def give(self) -> None:
        """Send the answer."""
        match self._kind:
            case "status" | "flapping" | "content_filter" | "context_too_long":
                await self._refuse()
            case "refuse":
                await self._to.reset()
            case "hang":
                await asyncio.sleep(_FOR_EVER_S)
            case "html_200":
                await send_whole(self._to.send, 200, [(b"content-type", b"text/html")], _HTML)
            case _ if self._request.stream and self._kind != "empty_choices":
                await self._stream()
            case _:
                await self._whole()

    async def _refuse(self) -> None:
        fault = self._fault
        code, message, kind, name = 500, "simulated status 500", "simulated_error", "simulated"
        headers = [(b"content-type", b"application/json")]
        if fault is not None and self._kind == "status":
            code = int(fault.number("code"))
            message = f"simulated status {code}"
            if fault.parameters["retry_after"] is not None:
                asked = f"{fault.number('retry_after'):g}"
                headers.append((b"retry-after", asked.encode()))
        elif self._kind == "content_filter":
            code, kind, name = _BAD_REQUEST, "invalid_request_error", "content_policy_violation"
            message = "Your request was rejected by the simulated safety system."
        elif self._kind == "context_too_long":
            code, kind, name = _BAD_REQUEST, "invalid_request_error", "context_length_exceeded"
            message = "prompt is too long: the maximum context length here is 8 tokens"
        body = self._answers.error(message, kind, name)
        await send_whole(self._to.send, code, headers, body)

    async def _whole(self) -> None:
        body = self._answers.whole(self._named())
        if self._fault is not None and self._kind in ("slow_first_token", "trickle"):
            await asyncio.sleep(self._fault.number("seconds"))
        if self._kind == "malformed_event":
            body = body[: len(body) // 2]
        elif self._kind == "empty_choices":
            body = self._answers.empty(self._request)
        elif self._fault is not None and self._kind == "large_answer":
            # White space between tokens is JSON too.
            body = body[:-1] + b" " * int(self._fault.number("bytes")) + body[-1:]
        elif self._kind == "error_event":
            body = self._answers.error("simulated error with status 200", "server_error", None)
        elif self._kind in ("cut_mid_stream", "stall_mid_stream"):
            length = (b"content-length", str(len(body)).encode())
            await self._to.start(200, [(b"content-type", b"application/json"), length])
            await self._to.write(body[: len(body) // 2])
            if self._kind == "stall_mid_stream":
                await asyncio.sleep(_FOR_EVER_S)
            await self._to.reset()
        await self._pause()
        await send_json(self._to.send, 200, body)

    async def _stream(self) -> None:
        to, fault = self._to, self._fault
        await to.start(200, _SSE)
        after = -2
        if fault is not None and self._kind == "slow_first_token":
            await asyncio.sleep(fault.number("seconds"))
        elif fault is not None and self._kind not in _ALL_ALONG:
            after = int(fault.number("after"))
        pieces, ending = self._answers.streamed(self._named())
        if fault is not None and self._kind == "large_answer":
            pieces += pieces[1:] * (int(fault.number("bytes")) // len(b"".join(pieces[1:])))
        breaks = fault is not None and self._kind not in _ALL_ALONG
        if not breaks and not self._delay_s:
            await to.end(b"".join((*pieces, ending)))
            return
        # The event with the role comes before the first piece of text, and before any fault.
        for number, piece in enumerate(pieces, start=-1):
            if fault is not None and number == after:
                await self._break(fault)
                return
            await to.write(piece)
            await self._pause()
        if fault is not None and after >= len(pieces) - 1:
            await self._break(fault)
            return
        await to.end(ending)

    async def _break(self, fault: Fault) -> None:
        # A pause, so that the client reads the data before the fault separately from the fault.
        await asyncio.sleep(_BEFORE_BREAK_S)
        if fault.kind == "stall_mid_stream":
            await asyncio.sleep(_FOR_EVER_S)
        elif fault.kind == "malformed_event":
            await self._to.end(self._answers.malformed_event)
        elif fault.kind == "error_event":
            error = self._answers.error("simulated error in a stream", "server_error", None)
            await self._to.end(self._answers.error_event(error))
        elif fault.parameters["how"] == "reset":
            await self._to.reset()
        else:
            await self._to.end(b"")

    def _named(self) -> ChatRequest:
        if self._kind != "other_model":
            return self._request
        return ChatRequest(
            f"{self._request.model}-dated", self._request.stream, self._request.stream_options
        )

    async def _pause(self) -> None:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
