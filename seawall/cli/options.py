"""Options and arguments that several commands share, and how results are printed for machines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from seawall.common.errors import UsageError

__all__ = ["Env", "Images", "Json", "Nodes", "Timings", "Yes", "images_of", "print_json"]

Env: TypeAlias = Annotated[str, typer.Argument(help="The environment.", metavar="ENV")]
Nodes: TypeAlias = Annotated[
    int | None,
    typer.Option(help="How many nodes of the kit's own cluster; those it has, else three."),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output, for machines.")
]
Timings: TypeAlias = Annotated[bool, typer.Option(help="Print how long each part took.")]
Yes: TypeAlias = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before touching a cluster that is shared.")
]
Images: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="NAME=REF", help="An image to deploy, such as gateway=..."),
]


def images_of(given: list[str] | None) -> Mapping[str, str] | None:
    """Image references by name, None when none were given.

    Raises:
        UsageError: one has another form.
    """
    if not given:
        return None
    pairs = [text.partition("=") for text in given]
    for name, _, ref in pairs:
        if not name or not ref:
            raise UsageError(f"--image {name}: write NAME=REFERENCE, such as gateway=<image>")
    return {name: ref for name, _, ref in pairs}


def print_json(document: Mapping[str, object]) -> None:
    """Print one document; paths become texts."""
    typer.echo(json.dumps(document, indent=2, default=_text))


def _text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)
