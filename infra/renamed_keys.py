"""Keys that were renamed: the old names are accepted for one release, with a warning."""

from collections.abc import Mapping
from typing import cast

__all__ = ["RENAMED", "with_new_names"]

RENAMED = {
    "aws.network.entrance": "edge",
    "entrance": "edge",
    "images.entrance": "edge",
    "monitoring.outside": "blackbox",
    "monitoring.patience": "for_scale",
}
"""The new last part of each old key, by the old key below seawall:."""


def with_new_names(values: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """The values with new names, and one warning for each old name in them.

    An old name whose new one is given as well stays, so that it is refused as unknown.

    Args:
        values: the values by key, without the prefix seawall:.
    """
    renamed, warnings = dict(values), list[str]()
    for key, new in RENAMED.items():
        *steps, old = key.split(".")
        section = _section(renamed, steps)
        if section is None or old not in section or new in section:
            continue
        section[new] = section.pop(old)
        place = ".".join((*steps, new))
        warnings.append(
            f"seawall:{key} is now seawall:{place}; the next release refuses the old name"
        )
    return renamed, warnings


def _section(values: dict[str, object], steps: list[str]) -> dict[str, object] | None:
    """The section at `steps`, copied into `values`; None where there is none."""
    for step in steps:
        found = values.get(step)
        if not isinstance(found, dict):
            return None
        copied = dict(cast("dict[str, object]", found))
        values[step] = copied
        values = copied
    return values
