"""`python -m infra.docker_compose files STACK_FILE`, or `secrets STACK_FILE FOLDER`."""

import argparse
import sys
from pathlib import Path
from typing import cast

import yaml

from infra.config import Environment
from infra.config.images import Images
from infra.docker_compose.atomic_write import swap_in
from infra.docker_compose.files import FOLDER, files_of
from infra.docker_compose.secrets import write_secrets
from infra.parsing import ConfigError, parse

__all__ = ["environment_of", "main"]

_IMAGES = "seawall:images"
_READABLE = 0o644


def main(arguments: list[str]) -> int:
    """Write the requested files; returns 2 and prints one line when the stack file is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.docker_compose", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    files = commands.add_parser(
        "files", help="write the files that compose.yaml mounts into infra/docker_compose/files"
    )
    made = commands.add_parser("secrets", help="write passwords and keys as files")
    for command in (files, made):
        command.add_argument("stack_file", type=Path, help="a Pulumi.<env>.yaml")
    made.add_argument("folder", type=Path, help="the target folder; existing files stay")
    options = parser.parse_args(arguments)
    try:
        environment = environment_of(options.stack_file)
    except (ConfigError, OSError) as wrong:
        sys.stderr.write(f"{options.stack_file}: {wrong}\n")
        return 2
    if options.command == "files":
        for name, text in files_of(environment).items():
            swap_in(FOLDER / name, text, _READABLE)
        return 0
    written = write_secrets(options.folder, environment.gateway)
    sys.stdout.write(f"created in {options.folder}: {', '.join(written) or 'nothing missing'}\n")
    return 0


def environment_of(stack_file: Path) -> Environment:
    """The environment in the file. compose.yaml uses none of its images, so they may be missing.

    Raises:
        ConfigError: the file is wrong.
        OSError: the file cannot be read.
    """
    document = yaml.safe_load(stack_file.read_text(encoding="utf-8"))
    values = cast("dict[str, object]", document["config"])
    values.setdefault(
        _IMAGES, {name: f"{name.replace('_', '-')}:none" for name in Images.model_fields}
    )
    return parse(values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
