"""Kubernetes quantities: the grammar that the configuration accepts, and their sizes."""

import re

__all__ = ["CPU_PATTERN", "MEMORY_PATTERN", "cpu_millis", "memory_bytes"]

CPU_PATTERN = r"^([1-9][0-9]*m|(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?)$"
"""`250m` or `0.25` or `2`. Zero is refused, because an autoscaler cannot take a share of it."""
MEMORY_PATTERN = r"^[1-9][0-9]*(Ki|Mi|Gi|Ti)$"
"""A whole number of a binary unit, so that conversion loses no digit."""

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def cpu_millis(quantity: str) -> float:
    """Thousandths of a core; raises ValueError outside CPU_PATTERN."""
    if not re.fullmatch(CPU_PATTERN, quantity):
        raise ValueError(f"{quantity!r} is no CPU quantity such as 250m or 2")
    if quantity.endswith("m"):
        return float(quantity[:-1])
    return float(quantity) * 1000


def memory_bytes(quantity: str) -> int:
    """Bytes; raises ValueError outside MEMORY_PATTERN."""
    if not re.fullmatch(MEMORY_PATTERN, quantity):
        raise ValueError(f"{quantity!r} is no memory quantity such as 256Mi")
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]
