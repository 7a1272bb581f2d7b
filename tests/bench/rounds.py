"""Rounds: each one loads every contestant in turn for some seconds, so that noise affects all."""

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import urllib3

from tests.bench.contestants import Running
from tests.service.kit import API_KEY

__all__ = ["Figures", "Measured", "Round", "Spread", "first_answer", "measure", "summarise"]

_LOAD = Path(__file__).parent / "load.lua"
_OK = 200
FIRST_ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One result of the load generator (wrk: no rate limit, no retries, timeout 5 s)."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad_status: int
    broken: int

    @property
    def per_s(self) -> float:
        """Answered requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Round:
    """One contestant in one round."""

    many: Measured
    """The result with many connections."""
    one: Measured
    """The result with a single connection."""
    cpu_ms: float
    """CPU time of the whole process tree per request, with many connections."""
    rss_mib: float


Spread: TypeAlias = tuple[float, float, float]
"""Median, minimum and maximum."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of all rounds of one contestant."""

    per_s: Spread
    cpu_ms: Spread
    p50_ms: Spread
    p99_ms: Spread
    rss_mib: Spread

    def by_name(self) -> Mapping[str, Spread]:
        """The figures by name."""
        return asdict(self)


def run_wrk(
    port: int, *, connections: int, seconds: int, core: int, headers: Mapping[str, str]
) -> Measured:
    """Run the load generator once.

    Raises:
        RuntimeError: wrk failed, or an answer was not 200, which makes the figure meaningless.
    """
    done = subprocess.run(
        [
            *("taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}"),
            *(f"-d{seconds}s", "--timeout", "5s", "-s", str(_LOAD)),
            f"http://127.0.0.1:{port}",
        ],
        env={
            **os.environ,
            "BENCH_KEY": API_KEY,
            "BENCH_HEADERS": ";".join(f"{name}={value}" for name, value in headers.items()),
        },
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1:] or [""]
    if done.returncode or not last[0].startswith("{"):
        raise RuntimeError(f"wrk failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    found = Measured(**json.loads(last[0]))
    if found.bad_status or found.broken or not found.requests:
        raise RuntimeError(
            f"port {port}: of {found.requests} requests {found.bad_status} had another status "
            f"than 200 and {found.broken} broke off"
        )
    return found


def first_answer(running: Running) -> None:
    """Send one request with a long time limit: some contestants import at the first request.

    Raises:
        RuntimeError: the answer is not 200.
    """
    body = {"model": "bench", "messages": [{"role": "user", "content": "Are you there?"}]}
    answer = urllib3.request(
        "POST",
        f"http://127.0.0.1:{running.port}/v1/chat/completions",
        headers={"authorization": f"Bearer {API_KEY}", **running.headers},
        json=body,
        timeout=FIRST_ANSWER_S,
        retries=False,
    )
    if answer.status != _OK:
        raise RuntimeError(f"port {running.port}: {answer.status} {answer.data[:300]!r}")


def measure(running: Running, *, connections: int, seconds: int, core: int) -> Round:
    """Measure a contestant for `seconds` with many connections, and a third of that with one."""
    one = run_wrk(
        running.port,
        connections=1,
        seconds=max(1, seconds // 3),
        core=core,
        headers=running.headers,
    )
    before = running.process.cost()
    many = run_wrk(
        running.port, connections=connections, seconds=seconds, core=core, headers=running.headers
    )
    after = running.process.cost()
    return Round(
        many=many,
        one=one,
        cpu_ms=(after.cpu_s - before.cpu_s) * 1000 / many.requests,
        rss_mib=after.rss_bytes / (1 << 20),
    )


def summarise(rounds: Sequence[Round]) -> Figures:
    """Median, minimum and maximum of each figure; latencies are those of a single connection."""

    def spread(values: Sequence[float]) -> Spread:
        return statistics.median(values), min(values), max(values)

    return Figures(
        per_s=spread([one.many.per_s for one in rounds]),
        cpu_ms=spread([one.cpu_ms for one in rounds]),
        p50_ms=spread([one.one.p50_ms for one in rounds]),
        p99_ms=spread([one.one.p99_ms for one in rounds]),
        rss_mib=spread([one.rss_mib for one in rounds]),
    )
