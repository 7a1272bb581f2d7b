"""Durations: a whole number and one unit, such as 500ms, 30s, 5m, 12h or 7d."""

import re
from dataclasses import dataclass, field

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["Between", "Duration"]

_PATTERN = re.compile(r"(0|[1-9][0-9]{0,8})(ms|s|m|h|d)")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SECOND = 1000
_FORM = "must be a duration: a whole number and one of ms, s, m, h, d, such as 500ms or 30s"


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, kept exactly. Durations compare by length and print as they were written.

    Attributes:
        milliseconds: the length.
        text: the notation in the configuration.
    """

    milliseconds: int
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """The duration that is written in `text`; raises ValueError for any other text."""
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ValueError(_FORM)
        return cls(int(found[1]) * _UNITS[found[2]], text)

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.milliseconds / _SECOND

    @property
    def whole_seconds(self) -> int:
        """The length in seconds, rounded down; `Between` can refuse fractions."""
        return self.milliseconds // _SECOND

    def __str__(self) -> str:
        return self.text

    @classmethod
    def _given(cls, value: object) -> "Duration":
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(_FORM)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept a string from a file, and in a program also a Duration."""
        text = core_schema.no_info_after_validator_function(
            cls.parse, core_schema.str_schema(strict=True)
        )
        return core_schema.json_or_python_schema(
            json_schema=text,
            python_schema=core_schema.no_info_plain_validator_function(cls._given),
            serialization=core_schema.to_string_ser_schema(),
        )


@dataclass(frozen=True, slots=True)
class Between:
    """The limits of a duration, both allowed; `whole` refuses fractions of a second."""

    low: str
    high: str
    whole: bool = False

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check the limits after the form."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, value: Duration) -> Duration:
        """The duration itself; raises ValueError outside the limits."""
        if not Duration.parse(self.low) <= value <= Duration.parse(self.high):
            raise ValueError(f"must be from {self.low} to {self.high}")
        if self.whole and value.milliseconds % _SECOND:
            raise ValueError("must be whole seconds")
        return value
