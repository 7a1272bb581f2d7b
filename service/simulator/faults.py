"""The faults that the simulator can be told to show: one entry per fault, with its parameters.

A fault counts down its `times` and then goes away; without `times` it stays until it is deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["FAULTS", "Fault", "FaultError", "Faults", "parse_fault"]


class FaultError(ValueError):
    """The request for a fault is wrong; the message names what is allowed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or a word that shapes a fault."""

    default: float | str | None
    least: float = 0.0
    most: float = 3600.0
    words: tuple[str, ...] = ()


FAULTS: Mapping[str, Mapping[str, Parameter]] = MappingProxyType(
    {
        "status": {
            "code": Parameter(500, least=400, most=599),
            "retry_after": Parameter(None),
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
    }
)
"""`after` counts the pieces of text that are sent before the fault shows."""


@dataclass(slots=True)
class Fault:
    """A fault in force; `times` is how many more requests it meets, None without end."""

    kind: str
    parameters: Mapping[str, float | str | None]
    times: int | None = None

    def number(self, name: str) -> float:
        """A parameter that is a number."""
        value = self.parameters[name]
        return float(value) if isinstance(value, int | float) else 0.0


def _checked(kind: str, name: str, value: object, parameter: Parameter) -> float | str | None:
    if parameter.words:
        if value not in parameter.words:
            raise FaultError(f"{kind}.{name} is {value!r}; allowed: {', '.join(parameter.words)}")
        return str(value)
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
        FaultError: an unknown fault or parameter, or a value out of range.
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
    """The fault in force, and what has been seen."""

    current: Fault | None = None
    requests: int = 0
    streamed: int = 0
    completed: int = 0
    client_gone: int = 0
    last_body: str = ""
    """The last request as it came, up to 64 KiB: for tests of what is passed on."""
    faulted: dict[str, int] = field(default_factory=dict[str, int])

    def take(self) -> Fault | None:
        """The fault that this request meets."""
        fault = self.current
        if fault is None:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self.current = None
        self.faulted[fault.kind] = self.faulted.get(fault.kind, 0) + 1
        return fault
