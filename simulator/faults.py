"""The faults that the simulator can produce: one entry per fault, with its parameters.

A fault ends after `times` requests; without `times` it stays active until it is deleted.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["FAULTS", "Fault", "FaultError", "Faults", "parse_fault"]


class FaultError(ValueError):
    """The request for a fault is wrong; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a fault: a number, one of several words, or any text."""

    default: float | str | None
    least: float = 0.0
    most: float = 3600.0
    words: tuple[str, ...] = ()
    free: bool = False
    """Whether any text is allowed."""


FAULTS: Mapping[str, Mapping[str, Parameter]] = MappingProxyType(
    {
        "status": {
            "code": Parameter(500, least=400, most=599),
            "retry_after": Parameter(None),
            "only_key": Parameter("", free=True),
        },
        "refuse": {},
        "hang": {},
        "slow_first_token": {"seconds": Parameter(30)},
        "stall_mid_stream": {"after": Parameter(2, most=10_000)},
        "cut_mid_stream": {
            "after": Parameter(2, most=10_000),
            "how": Parameter("end", words=("end", "reset")),
        },
        "malformed_event": {"after": Parameter(0, most=10_000)},
        "html_200": {},
        "error_event": {"after": Parameter(0, most=10_000)},
        "trickle": {"seconds": Parameter(1)},
        "flapping": {"seconds": Parameter(10, least=0.1)},
        "empty_choices": {},
        "content_filter": {},
        "context_too_long": {"only_model": Parameter("", free=True)},
        "large_answer": {"bytes": Parameter(8 << 20, least=1, most=1 << 30)},
        "other_model": {},
    }
)
"""`after` is the number of text pieces that are sent before the fault. `only_key` and `only_model`
restrict the fault to requests with that key or model; empty means all requests. `flapping` answers
500 for so many seconds, then normally for as many, and so on."""


@dataclass(slots=True)
class Fault:
    """An active fault; `times` is the number of requests that it still affects, None for all."""

    kind: str
    parameters: Mapping[str, float | str | None]
    times: int | None = None
    since: float = field(default_factory=time.monotonic)

    def text(self, name: str) -> str:
        """A text parameter; empty when the fault has no parameter of that name."""
        return str(self.parameters.get(name) or "")

    def number(self, name: str) -> float:
        """A number parameter."""
        value = self.parameters[name]
        return float(value) if isinstance(value, int | float) else 0.0


def _checked(kind: str, name: str, value: object, parameter: Parameter) -> float | str | None:
    if parameter.words:
        if value not in parameter.words:
            raise FaultError(f"{kind}.{name} is {value!r}; allowed: {', '.join(parameter.words)}")
        return str(value)
    if parameter.free:
        if not isinstance(value, str):
            raise FaultError(f"{kind}.{name} is {value!r}; allowed: a text")
        return value
    if value is None and parameter.default is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not parameter.least <= value <= parameter.most
    ):
        raise FaultError(
            f"{kind}.{name} is {value!r}; allowed: a number from {parameter.least:g} "
            f"to {parameter.most:g}"
        )
    return value


def parse_fault(wanted: Mapping[str, object]) -> Fault:
    """Make a fault from {"kind": ..., parameters..., "times": n or null}.

    Raises:
        FaultError: the fault or a parameter is unknown, or a value is out of range.
    """
    rest = dict(wanted)
    kind = rest.pop("kind", None)
    if not isinstance(kind, str) or kind not in FAULTS:
        raise FaultError(f"kind is {kind!r}; allowed: {', '.join(FAULTS)}")
    times = rest.pop("times", None)
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise FaultError(f"times is {times!r}; allowed: a number from 1, or null")
    known = FAULTS[kind]
    for name in rest:
        if name not in known:
            allowed = ", ".join(("times", *known))
            raise FaultError(f"{kind} has no parameter '{name}'; allowed: {allowed}")
    return Fault(
        kind,
        {
            name: _checked(kind, name, rest.get(name, parameter.default), parameter)
            for name, parameter in known.items()
        },
        times,
    )


@dataclass(slots=True)
class Faults:
    """The active fault, and the requests so far."""

    current: Fault | None = None
    requests: int = 0
    streamed: int = 0
    completed: int = 0
    client_gone: int = 0
    last_body: str = ""
    """The last request as it arrived, up to 64 KiB: for tests of what the gateway forwards."""
    last_headers: dict[str, str] = field(default_factory=dict[str, str])
    """The headers of the last request, without those that contain keys."""
    faulted: dict[str, int] = field(default_factory=dict[str, int])

    def take(self, *, key: str, model: str) -> Fault | None:
        """The fault for a request with this key and model; None when there is none."""
        fault = self.current
        if fault is None or not self._meets(fault, key, model):
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self.current = None
        self.faulted[fault.kind] = self.faulted.get(fault.kind, 0) + 1
        return fault

    @staticmethod
    def _meets(fault: Fault, key: str, model: str) -> bool:
        if fault.kind == "flapping":
            since = time.monotonic() - fault.since
            return int(since / fault.number("seconds")) % 2 == 0
        return fault.text("only_key") in ("", key) and fault.text("only_model") in ("", model)
