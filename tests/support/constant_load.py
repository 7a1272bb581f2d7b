"""The load generator: a constant stream of requests and a report of the results.

Open loop: requests start on a fixed schedule, whether or not earlier ones were answered, so that
a stall shows as users would see it. There are no retries: every failure counts. The generator
measures a gateway from outside and knows nothing about its internals.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp

__all__ = ["ConstantLoad", "LoadFailure", "LoadReport"]

DEFAULT_RATE = 30.0
DEFAULT_TIMEOUT_S = 2.0
START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """One request without a complete answer; `at` is the Unix time of the failure.

    `number` is its place in the order of sending, from 0.
    """

    at: float
    kind: str
    detail: str
    request_id: str
    number: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of a load; latencies are those of successful requests, in milliseconds."""

    url: str
    rate: float
    timeout_s: float
    streamed_share: float
    started_at: float
    seconds: float
    sent: int
    failures: tuple[LoadFailure, ...]
    p50_ms: float
    p99_ms: float
    max_ms: float
    providers: Mapping[str, int]

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return len(self.failures)

    def by_kind(self) -> Mapping[str, int]:
        """Failures counted by kind."""
        return Counter(failure.kind for failure in self.failures)

    def longest_gap_s(self) -> float:
        """Seconds from the first failure to the last; 0 without failures."""
        times = [failure.at for failure in self.failures]
        return max(times) - min(times) if times else 0.0

    def summary(self) -> str:
        """One line with the requests, their settings and the results."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.by_kind().items()))
        return (
            f"{self.sent} requests in {self.seconds:.1f} s "
            f"(constant {self.rate:g}/s, {self.streamed_share:.0%} streamed, "
            f"timeout {self.timeout_s:g} s, no retries, keep-alive): "
            f"{self.failed} failed{f' ({kinds})' if kinds else ''}, "
            f"p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"
        )


class _Failed(Exception):  # noqa: N818 - an outcome, turned into a LoadFailure
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def _percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _request_id(number: int) -> str:
    return f"load-{number}"


def _check_stream(body: bytes) -> None:
    """Raise for an incomplete stream.

    Raises:
        _Failed: the stream has an error event, or no end marker.
    """
    lines = body.splitlines()
    for line in lines:
        if (
            line.startswith(b"data: {")
            and '"error"' in line.decode()
            and "error" in json.loads(line[6:])
        ):
            raise _Failed("error event", line[:200].decode())
    if b"data: [DONE]" not in lines:
        raise _Failed("no [DONE]", f"{len(body)} bytes")


def _check_whole(body: bytes) -> None:
    try:
        answer: object = json.loads(body)
    except ValueError:
        raise _Failed("not JSON", body[:200].decode(errors="replace")) from None
    if not isinstance(answer, dict) or "choices" not in answer:
        raise _Failed("no choices", body[:200].decode(errors="replace"))


class ConstantLoad:
    """A load that runs in its own thread from `start` to `stop`.

    As a context manager it stops at the end of the block; `report` is available afterwards.
    """

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        model: str,
        rate: float = DEFAULT_RATE,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        streamed_share: float = 0.0,
        prompt: str = "Say that all is well.",
    ) -> None:
        """`url` is the base with /v1; `rate` in requests a second; `timeout_s` for one answer."""
        self._url = url.rstrip("/") + "/chat/completions"
        self._api_key = api_key
        self._rate = rate
        self._timeout_s = timeout_s
        self._streamed_share = streamed_share
        message = [{"role": "user", "content": prompt}]
        plain = {"model": model, "messages": message}
        self._plain = json.dumps(plain).encode()
        self._streamed = json.dumps({**plain, "stream": True}).encode()
        self._sent = 0
        self._latencies_ms: list[float] = []
        self._failures: list[LoadFailure] = []
        self._providers: Counter[str] = Counter()
        self._stop = threading.Event()
        self._running = threading.Event()
        self._crash: BaseException | None = None
        self._report: LoadReport | None = None
        self._thread = threading.Thread(target=self._main, name="load", daemon=True)

    @property
    def sent(self) -> int:
        """Requests sent so far."""
        return self._sent

    @property
    def answered(self) -> int:
        """Requests with a complete answer so far."""
        return len(self._latencies_ms)

    @property
    def in_flight(self) -> int:
        """Requests whose answer is missing or incomplete."""
        return self._sent - len(self._latencies_ms) - len(self._failures)

    @property
    def failures(self) -> tuple[LoadFailure, ...]:
        """Failures so far."""
        return tuple(self._failures)

    @property
    def report(self) -> LoadReport:
        """The report of the stopped load."""
        if self._report is None:
            raise RuntimeError("the load is still running: stop it first")
        return self._report

    def start(self) -> Self:
        """Start to send requests."""
        self._thread.start()
        if not self._running.wait(START_TIMEOUT_S):
            raise RuntimeError("the load generator did not start")
        return self

    def stop(self) -> LoadReport:
        """Stop sending, wait for requests in flight (at most the timeout), and report."""
        self._stop.set()
        self._thread.join()
        if self._crash is not None:
            raise RuntimeError("the load generator failed") from self._crash
        return self.report

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 - stop() raises it
            self._crash = error
            self._running.set()

    async def _run(self) -> None:
        began_at, began = time.time(), time.monotonic()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            # A stale cached answer would hide the failures that the load measures.
            headers={"authorization": f"Bearer {self._api_key}", "cache-control": "no-cache"},
        ) as session:
            tasks: set[asyncio.Task[None]] = set()
            self._running.set()
            while not self._stop.is_set():
                due = began + self._sent / self._rate
                wait_s = due - time.monotonic()
                if wait_s > 0:
                    # Sleep briefly, so that stop() does not wait for a slow schedule.
                    await asyncio.sleep(min(wait_s, 0.1))
                    continue
                task = asyncio.create_task(self._request(session, self._sent))
                self._sent += 1
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            seconds = time.monotonic() - began
            await asyncio.gather(*tasks)
        values = sorted(self._latencies_ms)
        self._report = LoadReport(
            url=self._url,
            rate=self._rate,
            timeout_s=self._timeout_s,
            streamed_share=self._streamed_share,
            started_at=began_at,
            seconds=seconds,
            sent=self._sent,
            failures=tuple(self._failures),
            p50_ms=_percentile(values, 0.5),
            p99_ms=_percentile(values, 0.99),
            max_ms=values[-1] if values else 0.0,
            providers=dict(self._providers),
        )

    def _is_streamed(self, number: int) -> bool:
        """Spread streamed requests evenly: true when the running total crosses an integer."""
        share = self._streamed_share
        return int((number + 1) * share) > int(number * share)

    async def _request(self, session: aiohttp.ClientSession, number: int) -> None:
        began = time.monotonic()
        streamed = self._is_streamed(number)
        try:
            provider = await self._send(session, _request_id(number), streamed=streamed)
        except _Failed as failed:
            self._fail(number, failed.kind, failed.detail)
        except TimeoutError:
            self._fail(number, "timeout", f"no whole answer in {self._timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            self._fail(number, type(error).__name__, str(error)[:200])
        else:
            self._latencies_ms.append((time.monotonic() - began) * 1000)
            self._providers[provider] += 1

    async def _send(
        self, session: aiohttp.ClientSession, request_id: str, *, streamed: bool
    ) -> str:
        async with session.post(
            self._url,
            data=self._streamed if streamed else self._plain,
            headers={"content-type": "application/json", "x-request-id": request_id},
        ) as response:
            body = await response.read()
            if response.status != 200:
                text = body[:200].decode(errors="replace")
                raise _Failed(f"status {response.status}", text)
            if streamed:
                _check_stream(body)
            else:
                _check_whole(body)
            return response.headers.get("x-seawall-provider", "unknown")

    def _fail(self, number: int, kind: str, detail: str) -> None:
        self._failures.append(LoadFailure(time.time(), kind, detail, _request_id(number), number))
