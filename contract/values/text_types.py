"""How a string in the configuration is checked, and the name of its form in messages and tables."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["HIDDEN", "Form", "matching"]

HIDDEN = "hidden"
"""The type of a PydanticCustomError about a value that may be a secret. Messages omit the value."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a string, next to `str` in an Annotated type.

    Attributes:
        words: the name of the form with its article: `a CPU quantity`.
        example: one or two valid values.
        accepts: whether a text has the form; it may raise ValueError with a more precise reason.
    """

    words: str
    example: str
    accepts: Callable[[str], bool]

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check the form after the type, when the value is a string."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, text: str) -> str:
        """The text itself; raises ValueError when it has another form."""
        if not self.accepts(text):
            raise ValueError(f"must be {self.words}, such as {self.example}")
        return text


def matching(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches the regular expression."""
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None
