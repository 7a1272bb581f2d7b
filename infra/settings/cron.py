"""Schedules in cron's five fields, as the CronJob controller of Kubernetes reads them."""

import re

__all__ = ["is_cron"]

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
"""Sunday is 0; the controller's parser knows no 7."""
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


def is_cron(text: str) -> bool:
    """Whether every field holds values, ranges, lists and steps inside its limits.

    Names of months and days, and words such as @daily, are not taken: one way to say it.
    """
    fields = text.split(" ")
    if len(fields) != len(_FIELDS):
        return False
    return all(
        all(_is_part(part, low, high) for part in field.split(","))
        for field, (_, low, high) in zip(fields, _FIELDS, strict=True)
    )


def _is_part(part: str, low: int, high: int) -> bool:
    found = _PART.fullmatch(part)
    if found is None:
        return False
    first, last, step = found.groups()
    if step is not None and not 1 <= int(step) <= high:
        return False
    if first is None:
        return True
    if last is None:
        # `5/10` is read as `5-59/10` by some and refused by others.
        return step is None and low <= int(first) <= high
    return low <= int(first) <= int(last) <= high
