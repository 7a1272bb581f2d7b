"""The log of a run: one JSON line for each step, on standard output."""

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["Fields", "Journal"]

Fields = dict[str, str | int]
"""The fields of a step in addition to its name and its time; `bytes` is always among them."""


class Journal:
    """The steps of one run, in order."""

    def __init__(self) -> None:
        self._step = "start"
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Generator[Fields]:
        """Run one step; the fields that the body sets are written when it succeeds."""
        self._step, self._begun = name, time.monotonic()
        fields: Fields = {"bytes": 0}
        yield fields
        self._write(fields)

    def failed(self, why: str) -> None:
        """Write the line of the step that failed."""
        self._write({"error": " ".join(why.split())})

    def _write(self, fields: Fields) -> None:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "job": "backup",
            "step": self._step,
            **fields,
            "seconds": round(time.monotonic() - self._begun, 3),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
