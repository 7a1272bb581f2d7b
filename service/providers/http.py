"""The upstream HTTP client: the one module of the service that imports aiohttp.

It sends requests, returns the answer's bytes as they arrive, and reports errors as
`UpstreamFailure`. It does not retry and does not parse the content.
"""

import asyncio
import contextlib
import io
import socket
from collections.abc import Iterable, Mapping
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from service.providers.dead_peer import DeadPeerDetector
from service.providers.dns_cache import DnsCache
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

__all__ = ["UpstreamAnswer", "UpstreamClient"]

MAX_ANSWER_BYTES = 64 << 20
"""A whole answer is buffered until it is known to be complete."""
KEEP_ALIVE_S = 15.0
"""Less than the idle timeout of every known provider and load balancer."""
LARGE_BODY_BYTES = 1 << 20
"""From this size on aiohttp expects a file-like body, which it sends in pieces."""
LEAST_SILENCE_S = 1.0
"""With less, one or two lost packets would pass for a lost machine."""
TIDY_S = 0.1
"""Seconds to wait for the end of a stream after its last event, to reuse its connection."""


class _Within:
    """A timeout that turns errors inside it into an `UpstreamFailure`.

    It works like `asyncio.timeout`, but without the cost of two coroutines and state changes, which
    a request would pay several times. It cancels the task, and takes the cancellation back unless
    other code cancelled the task too.
    """

    __slots__ = ("_alarm", "_cancelling", "_late", "_phase", "_seconds", "_task")

    def __init__(self, seconds: float, phase: str) -> None:
        self._seconds = seconds
        self._phase = phase
        self._late = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task that it can cancel")
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm = task.get_loop().call_later(self._seconds, self._ring)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        mine = self._late and self._task.uncancel() <= self._cancelling
        if mine and isinstance(error, asyncio.CancelledError):
            raise UpstreamFailure(Symptom.TIMEOUT, self._phase) from error
        if error is not None:
            failure = _failure(error, self._phase)
            try:
                if failure is not None:
                    raise failure from error
            finally:
                del failure  # it and this frame would hold each other

    def _ring(self) -> None:
        self._late = True
        self._task.cancel()


def _failure(error: BaseException, phase: str) -> UpstreamFailure | None:
    """The failure of the provider that `error` stands for; None when it is no such failure."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamFailure(Symptom.CONNECT, "connect timed out")
    if isinstance(error, TimeoutError):
        return UpstreamFailure(Symptom.TIMEOUT, phase)
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamFailure(Symptom.CONNECT, type(error).__name__)
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        return UpstreamFailure(Symptom.RESET, f"{phase}: {type(error).__name__}")
    return None


class UpstreamAnswer:
    """An answer whose headers have arrived. The caller must close it on every path."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def next(self, timeout_s: float, waiting_for: str) -> bytes:
        """The next bytes, without a wait when some have arrived; b"" at the end.

        Raises:
            UpstreamFailure: nothing arrived in time, or the connection broke.
        """
        content = self._response.content
        if content.exception() is None and (there := content.read_nowait()):
            return there
        with _Within(timeout_s, waiting_for):
            return await content.readany()

    async def whole(self, timeout_s: float) -> bytes:
        """The whole body.

        Raises:
            UpstreamFailure: it did not arrive in time, broke off, or is larger than 64 MiB.
        """
        if self._response.content.is_eof():
            # The whole body arrived with the headers, so there is no wait.
            return await self._collected()
        with _Within(timeout_s, "the answer's body"):
            return await self._collected()

    async def _collected(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await self._response.content.readany():
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise UpstreamFailure(Symptom.MALFORMED, f"above {MAX_ANSWER_BYTES} bytes")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def tidy(self) -> None:
        """Read the end of a finished stream, so that its connection can be reused."""
        with contextlib.suppress(UpstreamFailure):
            while await self.next(TIDY_S, "the end"):
                pass

    def close(self) -> None:
        """Return the connection to the pool if the answer was read to its end; else close it."""
        self._response.release()


class _Resolver(AbstractResolver):
    """Adapts `DnsCache` to aiohttp's connector."""

    def __init__(self, dns_cache: DnsCache) -> None:
        self._dns_cache = dns_cache

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host, for the connector of aiohttp."""
        return [
            ResolveResult(
                hostname=host,
                host=address.host,
                port=address.port,
                family=address.family,
                proto=address.protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._dns_cache.addresses(host, port, family)
        ]

    async def close(self) -> None:
        """Do nothing: `UpstreamClient` closes the cache."""


def _only_connecting(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect_s)


class UpstreamClient:
    """One connection pool for all providers; made inside the event loop.

    Args:
        connect_s: the connect timeout; also how long a peer may be silent, at least a second.
        urls: the providers' URLs, whose hosts are resolved before they are needed.
    """

    def __init__(self, connect_s: float, urls: Iterable[str] = ()) -> None:
        self._dns_cache = DnsCache()
        self._keeping = asyncio.ensure_future(self._dns_cache.keep(urls))
        self._dead_peer_detector = DeadPeerDetector(max(connect_s, LEAST_SILENCE_S))
        self._timeout = _only_connecting(connect_s)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                # Admission bounds the requests in flight; a second bound here would hide a queue.
                limit=0,
                keepalive_timeout=KEEP_ALIVE_S,
                use_dns_cache=False,
                resolver=_Resolver(self._dns_cache),
                socket_factory=self._dead_peer_detector.make,
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def names_looked_up(self, seconds: float) -> None:
        """Wait for the name server's answer about each provider's name, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._dns_cache.kept.wait()

    def follow(self, connect_s: float, urls: Iterable[str]) -> None:
        """Use other settings; open connections stay."""
        self._timeout = _only_connecting(connect_s)
        self._dead_peer_detector.allow(max(connect_s, LEAST_SILENCE_S))
        self._keeping.cancel()
        self._keeping = asyncio.ensure_future(self._dns_cache.keep(urls))

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> UpstreamAnswer:
        """Send the request, and wait up to `timeout_s` seconds for the answer's headers.

        Raises:
            UpstreamFailure: there was no connection, no headers in time, or a reset.
        """
        data = body if len(body) < LARGE_BODY_BYTES else io.BytesIO(body)
        with _Within(timeout_s, "the answer's headers"):
            return UpstreamAnswer(
                await self._session.post(
                    url,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                    timeout=self._timeout,
                )
            )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        self._keeping.cancel()
        self._dns_cache.close()
        await self._dead_peer_detector.close()
