"""Schedules in cron's five fields, as the CronJob controller of Kubernetes reads them."""

import re
from datetime import datetime

from cronsim import CronSim, CronSimError

__all__ = ["is_cron"]

_START = datetime(2000, 1, 1)  # noqa: DTZ001 - any date; schedules have no time zone here
_PART = re.compile(r"(\*|\d{1,2}-\d{1,2})(/\d{1,2})?|\d{1,2}")
"""Names of months and days, and words such as @daily, are refused, so that there is one notation.
`5/10` is read as `5-59/10` by some and refused by others."""
_FIELDS = 5
_LAST_WEEKDAY = 6
"""Saturday. The controller's parser does not accept 7 for Sunday, which is 0."""


def is_cron(text: str) -> bool:
    """Whether the schedule is valid, and a time comes at which it runs: there is no 31 February."""
    fields = text.split(" ")
    if len(fields) != _FIELDS:
        return False
    if not all(_PART.fullmatch(part) for field in fields for part in field.split(",")):
        return False
    weekdays = re.split("[,-]", re.sub(r"/\d+", "", fields[4]))
    if any(day.isdigit() and int(day) > _LAST_WEEKDAY for day in weekdays):
        return False
    try:
        next(CronSim(text, _START))
    except (CronSimError, StopIteration):
        return False
    return True
