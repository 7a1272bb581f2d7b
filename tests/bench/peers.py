"""Other gateways, installed from their registries into a subfolder of the build cache."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from seawall.testbed.toolchain.cache import default_root

__all__ = ["LITELLM", "PORTKEY", "PeerMissingError", "litellm_program", "portkey_program"]

LITELLM = "1.106.2"
PORTKEY = "1.15.2"
INSTALL_S = 900


class PeerMissingError(Exception):
    """A peer cannot be installed here; the message says why, in one line."""


def _install(name: str, program: str, build: Callable[[Path], None]) -> Path:
    """Install a peer once, or again after an interruption; returns the path of `program`."""
    folder = default_root() / "bench" / name
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            build(folder)
        except FileNotFoundError as error:
            raise PeerMissingError(f"{name}: {error.filename} is not on this machine") from error
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(f"{name}: not installed after {INSTALL_S} s") from error
        if not (folder / program).exists():
            raise PeerMissingError(f"{name}: installed, but there is no {program}")
        (folder / "complete").touch()
    return folder / program


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_S, check=False, env=os.environ
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise PeerMissingError(f"{' '.join(command[:3])}: {lines[-1] if lines else 'failed'}")


def litellm_program() -> Path:
    """LiteLLM's proxy.

    Raises:
        PeerMissingError: the package index does not serve the package.
    """

    def build(folder: Path) -> None:
        uv = str(Path(".venv/bin/uv").resolve())
        _run(uv, "venv", "--quiet", str(folder / "venv"))
        python = str(folder / "venv" / "bin" / "python")
        requirement = f"litellm[proxy]=={LITELLM}"
        _run(uv, "pip", "install", "--quiet", "--python", python, requirement)

    return _install(f"litellm-{LITELLM}", "venv/bin/litellm", build)


def portkey_program() -> Path:
    """Portkey's gateway, for node.

    Raises:
        PeerMissingError: the package registry does not serve the package.
    """

    def build(folder: Path) -> None:
        requirement = f"@portkey-ai/gateway@{PORTKEY}"
        _run("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", requirement)

    program = "node_modules/@portkey-ai/gateway/build/start-server.js"
    return _install(f"portkey-{PORTKEY}", program, build)
