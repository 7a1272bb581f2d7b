"""Cluster address ranges for tests: a free one, and one that is already routed."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.testbed.cluster.instance import instance_of
from tests.support.ports import reserve

__all__ = ["RoutedRange", "free_range", "routed_range"]

_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class RoutedRange:
    """A route and its link, within 10.`octet`.0.0/16."""

    octet: str
    route: str
    link: str


def free_range() -> str:
    """A different range at each call: not routed, and not the shared environment's."""
    routes = subprocess.run(
        ["ip", "-4", "route"], capture_output=True, text=True, check=True
    ).stdout
    with pytest.MonkeyPatch.context() as monkeypatched:
        monkeypatched.delenv("SEAWALL_RANGE", raising=False)
        shared = instance_of(_CHECKOUT / ".seawall-test", nodes=1).octet
    free = (n for n in range(64, 127) if n != shared and f"10.{n}." not in routes)
    return str(reserve("ranges", free))


@contextmanager
def routed_range(octet: str) -> Generator[RoutedRange]:
    """Route a part of the range to a bridge until the end of the block."""
    routed = RoutedRange(octet, f"10.{octet}.32.0/20", f"taken{os.getpid()}")
    subprocess.run(["ip", "link", "add", routed.link, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "link", "set", routed.link, "up"], check=True)
        subprocess.run(["ip", "route", "add", routed.route, "dev", routed.link], check=True)
        yield routed
    finally:
        subprocess.run(["ip", "link", "del", routed.link], check=True)
