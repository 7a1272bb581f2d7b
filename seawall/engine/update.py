"""The progress of an operation on a stack, and its result."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from pulumi.automation import EngineEvent, OpMap, StepEventMetadata

__all__ = [
    "Listener",
    "OnProgress",
    "Output",
    "Progress",
    "Stage",
    "Step",
    "UpResult",
    "short",
    "silent",
]

_UNCHANGED = frozenset({"read", "refresh", "same"})
_ERROR_LINE = re.compile(r"^\s*(?:stderr:\s*)?error: (?P<message>.+)$", re.MULTILINE)
_COLOR = re.compile(r"\x1b\[[0-9;]*m|<\{%[^%]*%\}>")


class Stage(Enum):
    """The stage of one step on one resource."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step on one resource."""

    urn: str
    op: str
    """Pulumi's name of the operation: create, update, replace, delete, refresh, ..."""
    stage: Stage

    @property
    def resource(self) -> str:
        """The name of the resource in messages: `Deployment gateway`."""
        return short(self.urn)


OnProgress: TypeAlias = Callable[[Progress], object]


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the stack."""

    value: object
    secret: bool

    def __repr__(self) -> str:
        return f"Output({'[secret]' if self.secret else repr(self.value)})"


@dataclass(frozen=True, slots=True)
class Step:
    """A change to one resource, done or planned."""

    op: str
    """Pulumi's name of the operation: create, update, replace, delete, ..."""
    resource: str
    fields: tuple[str, ...] = ()
    """The inputs that differ, as paths such as spec.replicas."""


@dataclass(frozen=True, slots=True)
class UpResult:
    """The result of an operation."""

    changes: Mapping[str, int]
    """The number of resources by Pulumi's operation: create, update, delete, same, ..."""
    outputs: Mapping[str, Output]
    recovered: bool = False
    """Whether the previous update was interrupted and was cleaned up first."""
    steps: tuple[Step, ...] = ()
    """Every change, in the order in which it began."""

    @property
    def changed(self) -> int:
        """The number of resources that were, or would be, changed."""
        return sum(count for op, count in self.changes.items() if op not in _UNCHANGED)

    def line(self) -> str:
        """One line of text for the user."""
        if not self.changed:
            return f"Pulumi reports no changes ({self.changes.get('same', 0)} resources)"
        listed = ", ".join(f"{count} {op}" for op, count in sorted(self.changes.items()))
        return f"Pulumi: {listed}"


class Listener:
    """Turns the engine's events into progress, and remembers errors for the end."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._errors: list[str] = []
        self._steps: dict[str, Step] = {}
        self._changes: dict[str, int] = {}

    @property
    def changes(self) -> dict[str, int]:
        """The number of resources by Pulumi's operation, from the last summary."""
        return dict(self._changes)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every change of a resource, in the order in which it began."""
        return tuple(self._steps.values())

    def hear(self, event: EngineEvent) -> None:
        """Process one event."""
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            self._note(metadata)
            self._report(metadata.urn, metadata.op.value, Stage.BEGUN)
        elif event.res_outputs_event:
            metadata = event.res_outputs_event.metadata
            self._report(metadata.urn, metadata.op.value, Stage.DONE)
        elif event.res_op_failed_event:
            metadata = event.res_op_failed_event.metadata
            self._report(metadata.urn, metadata.op.value, Stage.FAILED)
        elif event.summary_event:
            self._changes = _count(event.summary_event.resource_changes)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            self._remember(event.diagnostic_event.message, event.diagnostic_event.urn)

    def failure(self, otherwise: str) -> str:
        """The errors as one line; `otherwise` when the engine reported none."""
        if not self._errors:
            match = _ERROR_LINE.search(otherwise)
            return _one_line(match["message"] if match else otherwise)
        more = len(self._errors) - 1
        return self._errors[0] + (f" (and {more} more)" if more else "")

    def _note(self, metadata: StepEventMetadata) -> None:
        op = metadata.op.value
        if op not in _UNCHANGED:
            fields = tuple(metadata.detailed_diff or metadata.diffs or ())
            self._steps[metadata.urn] = Step(op, short(metadata.urn), fields)

    def _report(self, urn: str, op: str, stage: Stage) -> None:
        self._on_progress(Progress(urn, op, stage))

    def _remember(self, message: str, urn: str | None) -> None:
        # "update failed" only repeats that an error came before.
        text = _one_line(message)
        if not text or text in {"update failed", "preview failed", "destroy failed"}:
            return
        place = f"{short(urn)}: " if urn and "pulumi:pulumi:Stack" not in urn else ""
        if f"{place}{text}" not in self._errors:
            self._errors.append(f"{place}{text}")


def short(urn: str) -> str:
    """`Deployment gateway` for `...$kubernetes:apps/v1:Deployment::gateway`."""
    *_, types, name = urn.split("::")
    return f"{types.rsplit(':', 1)[-1]} {name}"


def _count(changes: OpMap | Mapping[str, int] | None) -> dict[str, int]:
    """Pulumi's summary with strings as keys."""
    counts: Counter[str] = Counter()
    for op, count in (changes or {}).items():
        counts[op.value if isinstance(op, Enum) else op] += count
    return dict(counts)


def silent(progress: Progress) -> None:
    """Ignore the progress."""
    del progress


def _one_line(text: str) -> str:
    lines = [line.strip() for line in _COLOR.sub("", text).splitlines()]
    return " ".join(line for line in lines if line)
