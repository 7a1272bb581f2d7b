"""The generated project of one environment, and the environment variables of its Pulumi processes.

Committed values are merged anew at every run; secrets and their salt, which live in the generated
file only, are kept from before. So a developer's tree never gets dirty, and the plain CLI works in
the generated folder too.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from seawall.engine import plugins
from seawall.engine.errors import WorkspaceError
from seawall.engine.ladder import Provider
from seawall.engine.layout import Layout

__all__ = ["Value", "Values", "environment", "kept_secrets", "stack_values", "write_project"]

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"
Values: TypeAlias = dict[str, Value]

_PROGRAM = "infra"
_IMAGES = "seawall:images"
_KUBERNETES = "seawall:kubernetes"
_PASSPHRASE_BYTES = 32
# What Pulumi itself writes into a stack's file beside `config`.
_KEPT = ("encryptedkey", "encryptionsalt", "secretsprovider")


def write_project(layout: Layout, *, kubernetes: Values, images: Mapping[str, str] | None) -> None:
    """Write Pulumi.yaml and Pulumi.<env>.yaml of the generated project.

    Args:
        layout: where.
        kubernetes: this run's values below seawall:kubernetes.
        images: this run's image references by name; None keeps those of the last run.
    """
    layout.project.mkdir(parents=True, exist_ok=True)
    layout.backend.mkdir(parents=True, exist_ok=True)
    _write(layout.project / "Pulumi.yaml", _project(layout))
    before = _load(layout.stack_file) if layout.stack_file.is_file() else {}
    old = _object(before, "config")
    run: Values = {_IMAGES: _object(old, _IMAGES) if images is None else {**images}}
    if kubernetes:
        run[_KUBERNETES] = kubernetes
    config = _merge(_merge(_committed(layout), run), _secure(old))
    if not config[_IMAGES]:
        del config[_IMAGES]
    kept: Values = {key: before[key] for key in _KEPT if key in before}
    _write(layout.stack_file, {**kept, "config": config})


def stack_values(layout: Layout) -> Values:
    """The `config` of the generated stack file; secrets are still encrypted in it."""
    return _object(_load(layout.stack_file), "config")


def kept_secrets(layout: Layout, key: str) -> frozenset[str]:
    """The names below `key` that have an encrypted value in the generated file."""
    return frozenset(_object(_secure(stack_values(layout)), key))


def environment(layout: Layout, provider: Provider) -> dict[str, str]:
    """What our Pulumi processes get beside the user's environment."""
    _ensure_passphrase(layout.passphrase)
    return {
        "PATH": plugins.search_path(layout, provider),
        "PULUMI_BACKEND_URL": layout.backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(layout.passphrase),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(layout.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _committed(layout: Layout) -> Values:
    if not layout.committed_file.is_file():
        raise WorkspaceError(
            f"there is no {layout.committed_file.name} in {layout.checkout}; "
            "an environment is one such file"
        )
    return _object(_load(layout.committed_file), "config")


def _object(values: Values, key: str) -> Values:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _project(layout: Layout) -> Values:
    project = _load(layout.project_file)
    project["main"] = os.path.relpath(layout.checkout / _PROGRAM, layout.project)
    runtime = project.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    if isinstance(options, dict) and isinstance(options.get("virtualenv"), str):
        # Given relative to the checkout; the generated project lies elsewhere.
        options["virtualenv"] = str(layout.checkout / str(options["virtualenv"]))
    return project


def _ensure_passphrase(path: Path) -> None:
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Created with its mode: there is no moment at which others can read it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(_PASSPHRASE_BYTES))


def _merge(base: Values, over: Values) -> Values:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merge(cast("Values", below), cast("Values", value)) if both else value
    return merged


def _secure(value: Value) -> Values:
    """The part of a configuration that is encrypted."""
    if not isinstance(value, dict):
        return {}
    found: Values = {}
    for key, item in value.items():
        if isinstance(item, dict) and set(item) == {"secure"}:
            found[key] = item
        elif below := _secure(item):
            found[key] = below
    return found


def _load(path: Path) -> Values:
    try:
        document = cast("Value", yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise WorkspaceError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise WorkspaceError(f"{path} is not a YAML mapping")
    return document


def _write(path: Path, document: Values) -> None:
    # Replaced in one step: a killed run leaves the old file or the new one.
    fresh = path.with_suffix(".new")
    fresh.write_text(yaml.safe_dump(document, sort_keys=True), encoding="utf-8")
    fresh.replace(path)
