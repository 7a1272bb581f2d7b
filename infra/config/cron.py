"""Schedules in cron's five fields, as the CronJob controller of Kubernetes reads them."""

import re

__all__ = ["is_cron"]

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
"""Sunday is 0; the controller's parser does not accept 7."""
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The number of days of each month, in a leap year."""
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


def is_cron(text: str) -> bool:
    """Whether every field holds values, ranges, lists and steps inside its limits.

    Names of months and days, and words such as @daily, are refused, so that there is one notation.
    """
    fields = text.split(" ")
    if len(fields) != len(_FIELDS):
        return False
    well_formed = all(
        all(_is_part(part, low, high) for part in field.split(","))
        for field, (_, low, high) in zip(fields, _FIELDS, strict=True)
    )
    return well_formed and _ever_comes(*fields[2:])


def _ever_comes(days: str, months: str, weekdays: str) -> bool:
    """Whether a day of `days` exists in one of `months`: there is no 31 February.

    When `weekdays` is restricted as well, Kubernetes needs only one of the two to match, so a day
    always exists.
    """
    if any(part.startswith("*") for part in days.split(",")):
        return True
    if not any(part.startswith("*") for part in weekdays.split(",")):
        return True
    return _first(days) <= max(_DAYS[month - 1] for month in _values(months))


def _first(field: str) -> int:
    return min(int(re.split("[-/]", part)[0]) for part in field.split(","))


def _values(field: str) -> set[int]:
    """The months that a well-formed field names."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("1-12" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


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
