"""docs/reference/cli.md: the command `seawall`."""

from collections.abc import Iterator

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from seawall.cli.app import app
from tools.reference.markdown import GENERATED, cell, one_line, table

__all__ = ["command_line"]


def command_line() -> str:
    """The page: one section for each command, with its arguments and options."""
    root = typer.main.get_group(app)
    parts = ["# The command `seawall`", GENERATED]
    parts += [cell(one_line(root.help)), "", one_line(root.epilog)]
    parts += [_section(name, command) for name, command in _commands("seawall", root)]
    return "\n".join(parts).rstrip() + "\n"


def _commands(name: str, group: TyperGroup) -> Iterator[tuple[str, TyperCommand]]:
    for child, found in group.commands.items():
        if isinstance(found, TyperGroup):
            yield from _commands(f"{name} {child}", found)
        elif isinstance(found, TyperCommand):
            yield f"{name} {child}", found


def _section(name: str, command: TyperCommand) -> str:
    rows, words = list[tuple[str, str]](), [name]
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            shown = parameter.metavar or parameter.name.upper()
            words.append(shown if parameter.required else f"[{shown}]")
            rows.append((f"`{shown}`", _meaning(parameter)))
        elif isinstance(parameter, TyperOption):
            names = ", ".join((*parameter.opts, *parameter.secondary_opts))
            value = "" if parameter.is_flag else f" {parameter.metavar or 'VALUE'}"
            words.append(f"[{max(parameter.opts, key=len)}{value}]")
            rows.append((f"`{names}{value}`", _meaning(parameter)))
    options = f"\n{table(('argument or option', 'meaning'), rows)}" if rows else ""
    usage = f"```\n{' '.join(words)}\n```"
    return f"\n## {name}\n{usage}\n{cell(one_line(command.help))}\n{options}"


def _meaning(parameter: TyperArgument | TyperOption) -> str:
    text = cell(one_line(parameter.help))
    default = parameter.default
    if isinstance(default, str | int) and not isinstance(default, bool):
        text += f" Default: `{default}`."
    return text
