"""Runs the cases over real HTTP, against a real gateway process before two simulators."""

import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cases import CASES, Case, Seen
from tests.service.kit import Answer, Gateway, Simulator
from tests.support.ports import free_port

__all__ = ["Observed", "Suite", "suite", "table"]

_TIMEOUTS = {
    "connect": "1s",
    "headers": "1s",
    "first_content": "1s",
    "gap": "1s",
    "answer": "3s",
}
_CASES_AND_MODES = tuple((case, stream) for case in CASES for stream in (False, True))
_BREAKER = {0: "closed", 1: "half-open", 2: "open"}


@dataclass(frozen=True, slots=True)
class Observed:
    """The result of one case, plain or streamed."""

    case: Case
    stream: bool
    seen: Seen
    seconds: float
    breaker: str
    """The breaker state of the first target after one request."""

    @property
    def promised(self) -> Seen:
        """The documented result."""
        return self.case.streamed if self.stream else self.case.plain


class Suite:
    """The gateway and its providers.

    Each case has its own model and first target, so breakers, resting keys and the retry budget
    depend on one case only.
    """

    def __init__(self, folder: Path) -> None:
        self._first, self._second = Simulator("first", folder), Simulator("second", folder)
        for name in ("key-one", "key-two"):
            (folder / name).write_text(name)
        nowhere = f"http://127.0.0.1:{free_port()}/v1"
        providers: dict[str, object] = {
            "second": {"kind": "openai", "base_url": self._second.base_url}
        }
        for case, stream in _CASES_AND_MODES:
            providers[_name(case, stream=stream)] = {
                "kind": "openai",
                "base_url": nowhere if case.kind == "down" else self._first.base_url,
                "api_key_file": "key-one",
                "spare_api_key_files": ["key-two"] if "only_key" in case.parameters else [],
            }
        self._gateway = Gateway(
            folder,
            (self._first, self._second),
            named_models={
                name: {
                    "targets": [
                        {"provider": name, "model": name},
                        {"provider": "second", "model": name},
                    ]
                }
                for name in (_name(case, stream=stream) for case, stream in _CASES_AND_MODES)
            },
            providers=providers,
            timeouts=_TIMEOUTS,
        )

    def run(self, case: Case, *, stream: bool) -> Observed:
        """Send one request while the fault is active."""
        self._heal()
        if case.kind != "down":
            self._first.fault(case.kind, **case.parameters)
        if case.both:
            self._second.fault(case.kind, **case.parameters)
        before = self._attempts()
        name = _name(case, stream=stream)
        began = time.monotonic()
        answer = self._gateway.chat(name, stream=stream)
        seconds = time.monotonic() - began
        attempts = self._attempts() - before
        state = self._gateway.metric(f'seawall_breaker_state{{model="{name}",provider="{name}"}}')
        seen = Seen(describe_answer(answer, stream=stream), round(attempts))
        return Observed(case, stream, seen, seconds, _BREAKER[round(state)])

    def stop(self) -> None:
        """End every process."""
        for process in (self._gateway, self._first, self._second):
            process.stop()

    def _heal(self) -> None:
        self._first.heal()
        self._second.heal()

    def _attempts(self) -> float:
        """The number of attempts by the gateway's own metrics."""
        lines = self._gateway.health("/metrics").body.decode().splitlines()
        wanted = "seawall_provider_attempts_total{"
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted))


def _name(case: Case, *, stream: bool) -> str:
    return f"case-{CASES.index(case)}-{'streamed' if stream else 'plain'}"


def describe_answer(answer: Answer, *, stream: bool) -> str:
    """Describe an answer in the terms of the cases."""
    if answer.status == 200:
        whole = answer.events()[-1] == "[DONE]" if stream else "choices" in answer.json()
        target = "second" if answer.headers["x-seawall-provider"] == "second" else "first"
        if whole:
            return f"whole answer, {target} target"
        return "error event, no [DONE]" if '"error"' in answer.events()[-1] else "half an answer"
    if answer.status == 503:
        return "503 with Retry-After" if "retry-after" in answer.headers else "503"
    return f"{answer.status} {answer.json()['error']['code']}"


@contextmanager
def suite(folder: Path) -> Generator[Suite]:
    """Run a suite until the end of the block."""
    running = Suite(folder)
    try:
        yield running
    finally:
        running.stop()


def table(observed: Iterable[Observed]) -> str:
    """The text of docs/faults.md, generated from a run."""
    rows = [
        f"| {one.case.title} | {'streamed' if one.stream else 'plain'} | {one.seen.what} "
        f"| {one.seen.attempts} | {one.breaker} | {one.seconds:.1f} s |"
        for one in observed
    ]
    return "\n".join((_HEAD, *rows, ""))


_HEAD = """\
# What clients see of a provider's faults
Made by a run: `make faults`. A gateway process before two targets of one model; the fault meets the
first target, one request is made over HTTP, plain or streamed, without retries of the client. Time
limits are scaled down: a second to connect, for headers, for the first content and for gaps,
three seconds for a plain answer. `make test` runs every row and fails when a client sees another
thing.

A plain answer is saved from every fault, a streamed one from all that show before its first
content. Afterwards no other model can continue it: it ends with an error event and without
`[DONE]`, which SDKs raise as an error; half an answer never passes for a whole one.

| fault | request | what the client sees | attempts | first target's breaker | took |
|---|---|---|---|---|---|"""
