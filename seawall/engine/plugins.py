"""Finding the official Kubernetes plugin, and putting the chosen provider where the CLI looks."""

import os
import shutil
import sys
from pathlib import Path

from seawall.engine.ladder import Provider
from seawall.engine.layout import Layout

__all__ = ["install", "official_plugin", "search_path"]

_PLUGIN = "pulumi-resource-kubernetes"
_FOLDERS = "resource-kubernetes-v*"


def official_plugin(layout: Layout) -> Path | None:
    """The official plugin: an executable on PATH, or a folder in our or the user's Pulumi home."""
    on_path = shutil.which(_PLUGIN)
    if on_path:
        return Path(on_path)
    users = Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    for home in (layout.pulumi_home, users):
        folders = sorted((home / "plugins").glob(_FOLDERS), key=lambda path: path.stat().st_mtime)
        for folder in reversed(folders):
            if (folder / _PLUGIN).is_file():
                return folder
    return None


def install(layout: Layout, provider: Provider) -> None:
    """Make the provider findable for our Pulumi processes, and for nobody else's."""
    if provider is Provider.STAND_IN:
        _write_shim(layout)
        return
    found = official_plugin(layout)
    if found is not None and found.is_dir():
        link = layout.pulumi_home / "plugins" / found.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(found)


def search_path(layout: Layout, provider: Provider) -> str:
    """PATH of our Pulumi processes."""
    inherited = os.environ.get("PATH", os.defpath)
    if provider is Provider.STAND_IN:
        return f"{layout.shims}{os.pathsep}{inherited}"
    return inherited


def _write_shim(layout: Layout) -> None:
    layout.shims.mkdir(parents=True, exist_ok=True)
    shim = layout.shims / _PLUGIN
    # This interpreter, whatever the user's PATH says: it has the kit and its packages.
    script = f'#!/bin/sh\nexec "{sys.executable}" -m seawall.engine.standin "$@"\n'
    if not shim.is_file() or shim.read_text(encoding="utf-8") != script:
        shim.write_text(script, encoding="utf-8")
    shim.chmod(0o755)
