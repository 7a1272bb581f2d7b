"""How a text in the configuration is checked, and how messages and the reference call its form."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["Form", "matching"]


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a text, put beside `str` in an Annotated type.

    Attributes:
        words: what it is, with its article: `a CPU quantity`.
        example: one or two good values.
        accepts: whether a text has the form; may raise ValueError where it can say more.
    """

    words: str
    example: str
    accepts: Callable[[str], bool]

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check after the type: what arrives here is a text."""
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
