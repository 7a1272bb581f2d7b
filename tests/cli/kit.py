"""Runs `seawall` as a user of this checkout or of another one does.

Most commands are forked from a process that has imported this checkout's command. `fresh=True`
starts an interpreter, which runs the code of the checkout in its working directory.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

from seawall.engine.layout import Layout
from tests.conftest import SEAWALL as SCRIPT
from tests.support.forked import COMMANDS

__all__ = ["SEAWALL", "run", "seawall", "write_state"]

SEAWALL = (sys.executable, "-c", "import sys; from seawall.cli import main; sys.exit(main())")
"""The command of the checkout in the working directory."""
TIMEOUT_S = 120
_ELSEWHERE = """\
import sys
import seawall.testbed.kit
from seawall.cli import main

seawall.testbed.kit.__file__ = {place!r}
sys.exit(main())
"""
"""The same command, by this checkout's code with a faked location."""


def seawall(
    *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the console script of this checkout in a fork."""
    return _forked([str(SCRIPT), *arguments], Path.cwd(), variables=variables)


def run(
    *arguments: str,
    checkout: Path,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
    variables: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run the command in another checkout."""
    if fresh:
        return subprocess.run(
            [*SEAWALL, *arguments],
            cwd=checkout,
            env={**os.environ, **(variables or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
    script = checkout.parent / "seawall"
    script.write_text(_ELSEWHERE.format(place=str(checkout / "seawall" / "testbed" / "kit.py")))
    words = [str(script), *arguments]
    return _forked(words, checkout, stdin=stdin, stderr=stderr, variables=variables)


def _forked(
    words: list[str],
    folder: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **(variables or {})}
    assert COMMANDS.may_start(environment), "the command would import something else"
    with (
        TemporaryFile("w+") as printed,
        TemporaryFile("w+") as told,
        Path(os.devnull).open("rb") as nothing,
    ):
        source = nothing.fileno() if stdin == subprocess.DEVNULL else stdin
        wanted = told.fileno() if stderr == subprocess.PIPE else stderr
        streams = (source, printed.fileno(), wanted)
        process = COMMANDS.start(words, environment, streams=streams, folder=folder)
        try:
            code = process.wait(TIMEOUT_S)
        finally:
            process.kill()
        for file in (printed, told):
            file.seek(0)
        return subprocess.CompletedProcess(words, code, printed.read(), told.read())


def write_state(layout: Layout, outputs: Mapping[str, object]) -> None:
    """Write the local state of an environment that has only the stack itself."""
    kind = "pulumi:pulumi:Stack"
    urn = f"urn:pulumi:{layout.env}::seawall::{kind}::seawall-{layout.env}"
    resources = [{"urn": urn, "type": kind, "outputs": outputs}]
    state = {"version": 3, "checkpoint": {"stack": layout.env, "latest": {"resources": resources}}}
    layout.checkpoint.parent.mkdir(parents=True)
    layout.checkpoint.write_text(json.dumps(state))
