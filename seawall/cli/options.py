"""Options and arguments that several commands share, and the output of results as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from seawall.common.errors import UsageError

if TYPE_CHECKING:
    from seawall.testbed.kit import Kit

__all__ = [
    "Env",
    "Images",
    "Json",
    "Nodes",
    "Timings",
    "Yes",
    "images_of",
    "kit_here",
    "print_json",
]

Env: TypeAlias = Annotated[str, typer.Argument(help="The environment.", metavar="ENV")]
Nodes: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Nodes of the bundled cluster; default: as many as it has, or three."),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output.")
]
Timings: TypeAlias = Annotated[bool, typer.Option(help="Print how long each part took.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for a confirmation.")]
Images: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="NAME=REF", help="An image to deploy, such as gateway=..."),
]


def images_of(given: list[str] | None) -> Mapping[str, str] | None:
    """Image references by name; None when the command line has none.

    Raises:
        UsageError: an option is not NAME=REFERENCE.
    """
    if not given:
        return None
    pairs = [text.partition("=") for text in given]
    for name, _, ref in pairs:
        if not name or not ref:
            raise UsageError(f"--image {name}: write NAME=REFERENCE, such as gateway=<image>")
    return {name: ref for name, _, ref in pairs}


def kit_here(*, nodes: int | None = None, builds: bool = True) -> "Kit":
    """The kit of this checkout, imported late so that `seawall -h` answers at once.

    Raises:
        UsageError: see `seawall.testbed.kit.kit_here`.
    """
    from seawall.testbed import kit  # noqa: PLC0415 - slow to import

    return kit.kit_here(nodes=nodes, builds=builds)


def print_json(document: Mapping[str, object]) -> None:
    """Print one document; paths become strings."""
    typer.echo(json.dumps(document, indent=2, default=_text))


def _text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)
