"""The descriptions of keys: the strings below the attributes of the models.

They are read from the source here, because reading them at run time makes every start slower.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel

__all__ = ["description"]


def description(model: type[BaseModel], key: str) -> str:
    """The description of a key of the model, in one line; empty when there is none."""
    for origin in model.__mro__:
        if issubclass(origin, BaseModel) and key in _described(origin):
            return _described(origin)[key]
    return ""


@cache
def _described(model: type[BaseModel]) -> dict[str, str]:
    """The descriptions in the body of one class; a class that pydantic made has no source."""
    if "[" in model.__name__:
        return {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    (found,) = tree.body
    return dict(_pairs(found)) if isinstance(found, ast.ClassDef) else {}


def _pairs(found: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, after in zip(found.body, found.body[1:], strict=False):
        match statement, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())
            case _:
                pass
