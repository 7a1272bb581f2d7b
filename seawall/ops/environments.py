"""Environments as files of the checkout: check one without a cluster, and create a new one."""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from seawall.common.environment_names import check_env_name, renamed
from seawall.common.errors import SeawallError, UsageError
from seawall.engine.checks import checked_program
from seawall.engine.layout import Layout
from seawall.engine.sections import committed_images, kubernetes_in, kubernetes_of
from seawall.engine.strict_yaml import Values, load, value_in
from seawall.engine.values import merge, object_at
from seawall.engine.workspace import RunValues, environments, write_project
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.image_builds import dockerfile_targets, go_modules, packages

__all__ = ["check_environment", "new_environment"]

_PREFIX = "seawall:"


def check_environment(checkout: Path, env: str, images: Mapping[str, str] | None = None) -> str:
    """Check an environment's values, their combinations, and the policies.

    Args:
        checkout: the repository.
        env: the environment.
        images: image references by name, in addition to those of the file.

    Returns:
        One line with the result.

    Raises:
        UsageError: the name is invalid.
        WorkspaceError: the file is missing, or a value is wrong.
        PolicyError: a resource that the environment declares violates a policy.
    """
    check_env_name(env)
    with tempfile.TemporaryDirectory(prefix="seawall-check-") as folder:
        layout = Layout(checkout, Path(folder), env)
        own = OwnCluster.named(kubernetes_of(layout).cluster)
        built = _built_here() if own else {}
        named = {**built, **committed_images(layout), **(images or {})}
        write_project(layout, RunValues(images=named))
        program = checked_program(layout)
    return f"valid; {program.resources} resources, no policy is violated"


def _built_here() -> dict[str, str]:
    """Placeholders for the images that the kit builds for a bundled cluster."""
    images = (*dockerfile_targets(), *go_modules(), *packages())
    return {name: f"localhost/{name}:checked" for name in images}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def new_environment(
    checkout: Path,
    name: str,
    *,
    template: str,
    values: Sequence[str],
    tell: Callable[[str], None] = _say,
) -> Path:
    """Create an environment's file from that of another environment.

    In values that belong to one environment only, the new name replaces the template's name.

    Args:
        checkout: the repository.
        name: the new environment.
        template: the environment whose file is copied, including comments.
        values: `key=value` each; the prefix `seawall:` is optional, and dots separate the levels
            of a key.
        tell: receives a line for each replaced value, and one when the namespace is unchanged.

    Returns:
        The new file.

    Raises:
        UsageError: the name is invalid or taken, or a value is not `key=value`.
        WorkspaceError: the template cannot be read.
    """
    for given in (name, template):
        check_env_name(given)
    if name in environments(checkout):
        raise UsageError(f"environment {name} exists already: Pulumi.{name}.yaml")
    changes: Values = {}
    for text in values:
        changes = merge(changes, _change(text))
    layout = Layout(checkout, checkout, template)
    base = kubernetes_of(layout)  # also refuses a template that does not exist
    text, replaced = renamed(layout.committed_file.read_bytes().decode(), template, name)
    target = checkout / f"Pulumi.{name}.yaml"
    fresh = target.with_suffix(".new")
    try:
        fresh.write_bytes(text.encode())
        if changes:
            document = load(fresh)
            document["config"] = merge(object_at(document, "config"), changes)
            fresh.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        made = kubernetes_in(object_at(load(fresh), "config"), target.name)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    for line in replaced:
        tell(line)
    if made.namespace == base.namespace:
        tell(
            f"namespace {made.namespace} is also that of {template}, so the two cannot share a "
            "cluster; --set kubernetes.namespace=<name> chooses another one"
        )
    return target


def _change(text: str) -> Values:
    key, equals, value = text.partition("=")
    steps = key.removeprefix(_PREFIX).split(".")
    if not equals or not all(steps) or not (key.isascii() and key.isprintable()):
        shown = text if text.isprintable() else ascii(text)
        raise UsageError(f"--set {shown}: write KEY=VALUE, such as images.gateway=<reference>")
    try:
        found = value_in(value, f"--set {key}")
    except SeawallError as error:
        raise UsageError(str(error)) from error
    steps[0] = f"{_PREFIX}{steps[0]}"
    change: Values = {steps.pop(): found}
    for step in reversed(steps):
        change = {step: change}
    return change
