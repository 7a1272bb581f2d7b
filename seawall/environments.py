"""Environments as files of the checkout: checking one without a cluster, and making a new one."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import yaml

from seawall.engine.checks import checked_program
from seawall.engine.layout import Layout
from seawall.engine.strict_yaml import Value, Values, load
from seawall.engine.values import merge, object_at
from seawall.engine.workspace import (
    IMAGES,
    KUBERNETES,
    RunValues,
    committed_values,
    environments,
    write_project,
)
from seawall.errors import UsageError

__all__ = ["check_environment", "new_environment"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_PREFIX = "seawall:"
_BUILT_HERE = {"gateway": "localhost/gateway:checked", "redis": "localhost/redis:checked"}
"""In place of the images that the kit builds for an embedded cluster."""


def check_environment(checkout: Path, env: str) -> str:
    """Check an environment's values, their combinations, and the policies; a line about it.

    Raises:
        WorkspaceError: its file is missing, or a value is wrong.
        PolicyError: what it would deploy breaks a policy.
    """
    with tempfile.TemporaryDirectory(prefix="seawall-check-") as folder:
        layout = Layout(checkout, Path(folder), env)
        values = committed_values(layout)
        embedded = object_at(values, KUBERNETES).get("cluster") == "embedded"
        images = _BUILT_HERE if embedded and IMAGES not in values else None
        write_project(layout, RunValues(images=images))
        program = checked_program(layout)
    return f"right; {program.resources} resources, no policy is broken"


def new_environment(checkout: Path, name: str, *, template: str, values: Sequence[str]) -> Path:
    """Make an environment's file from another one's; the new file.

    Args:
        checkout: the repository.
        name: of the new environment.
        template: the environment whose file is copied, comments included.
        values: `key=value` each; a key may leave out the prefix `seawall:`, dots go deeper.

    Raises:
        UsageError: the name is none or is taken, or a value has another form.
        WorkspaceError: the template cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"environment {name!r}: a name has small letters, digits and dashes only")
    if name in environments(checkout):
        raise UsageError(f"environment {name} exists already: Pulumi.{name}.yaml")
    source = Layout(checkout, checkout, template).committed_file
    base = committed_values(Layout(checkout, checkout, template))
    target = checkout / f"Pulumi.{name}.yaml"
    changes: Values = {}
    for text in values:
        changes = merge(changes, _change(text))
    fresh = target.with_suffix(".new")
    if changes:
        document = {**load(source), "config": merge(base, changes)}
        fresh.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    else:
        fresh.write_bytes(source.read_bytes())
    fresh.replace(target)
    return target


def _change(text: str) -> Values:
    key, equals, value = text.partition("=")
    steps = key.removeprefix(_PREFIX).split(".")
    if not equals or not all(steps):
        raise UsageError(f"--set {text}: write KEY=VALUE, such as images.gateway=<reference>")
    try:
        found = cast("Value", yaml.safe_load(value))
    except yaml.YAMLError as error:
        raise UsageError(f"--set {text}: the value is no YAML: {error}") from error
    steps[0] = f"{_PREFIX}{steps[0]}"
    change: Values = {steps.pop(): found}
    for step in reversed(steps):
        change = {step: change}
    return change
