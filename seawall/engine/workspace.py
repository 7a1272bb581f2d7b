"""The generated project of one environment.

Every run merges the committed values again. Secrets and their salt exist only in the generated file
and are kept between runs. So a run never changes the working tree of the checkout, and the plain
CLI works in the generated folder.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from infra.renamed_keys import with_new_names
from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.strict_yaml import Value, Values, load
from seawall.engine.values import merge, object_at, plain, secure

__all__ = [
    "IMAGES",
    "KUBERNETES",
    "PLACE",
    "SECRETS",
    "STATE",
    "RunValues",
    "committed_values",
    "environments",
    "kept_secrets",
    "stack_values",
    "write_document",
    "write_project",
    "write_value",
]

IMAGES = "seawall:images"
KUBERNETES = "seawall:kubernetes"
STATE = "seawall:state"
PLACE = frozenset({"adopt_existing", "context", "kubeconfig"})
"""Keys below KUBERNETES that describe the cluster and its access, not what is deployed."""

_PROGRAM = "infra"
SECRETS = "seawall:secrets"
"""The object in a stack's configuration that holds every secret by name."""
# The keys that Pulumi itself writes into a stack's file, next to `config`.
_KEPT = ("encryptedkey", "encryptionsalt", "secretsprovider")
_ALLOWED = frozenset(("config", "environment", *_KEPT))


@dataclass(frozen=True, slots=True)
class RunValues:
    """The values that one run adds to the committed values.

    Attributes:
        kubernetes: values below seawall:kubernetes.
        images: image references by name; they override the committed ones.
        settings: the values of an earlier release; they replace the committed ones.
        secrets_provider: the address of a key, for the stack's file; None for a passphrase.
    """

    kubernetes: Values = field(default_factory=dict[str, Value])
    images: Mapping[str, str] | None = None
    settings: Values | None = None
    secrets_provider: str | None = None


def write_project(layout: Layout, run: RunValues) -> None:
    """Write Pulumi.yaml and Pulumi.<env>.yaml of the generated project.

    Raises:
        WorkspaceError: a file of the checkout is missing or cannot be read.
    """
    document = _committed(layout)
    layout.project.mkdir(parents=True, exist_ok=True)
    _write(layout.project / "Pulumi.yaml", _project(layout))
    before = load(layout.stack_file) if layout.stack_file.is_file() else {}
    base = _base(object_at(document, "config"), run.settings)
    if run.images:
        named, _ = with_new_names({"images": object_at(base, IMAGES)})
        base[IMAGES] = {**cast("Values", named["images"]), **run.images}
    if run.kubernetes:
        base = merge(base, {KUBERNETES: run.kubernetes})
    kept: Values = {
        key: source[key] for source in (before, document) for key in _KEPT if key in source
    }
    # The committed salt or key cannot decrypt values that another salt or key encrypted.
    readable = all(before.get(key) == kept[key] for key in kept if key in document)
    old = secure(object_at(before, "config")) if readable else {}
    if run.secrets_provider is not None:
        kept["secretsprovider"] = run.secrets_provider
    _write(layout.stack_file, {**kept, "config": merge(old, base)})


def write_value(layout: Layout, key: str, value: Value) -> None:
    """Set one top-level value of the generated stack file."""
    document = load(layout.stack_file)
    document["config"] = {**object_at(document, "config"), key: value}
    _write(layout.stack_file, document)


def write_document(layout: Layout, document: Values) -> None:
    """Write the whole generated stack file."""
    _write(layout.stack_file, document)


def stack_values(layout: Layout) -> Values:
    """The `config` of the generated stack file, with encrypted secrets."""
    return object_at(load(layout.stack_file), "config")


def committed_values(layout: Layout) -> Values:
    """The `config` of the environment's committed file.

    Raises:
        WorkspaceError: the file does not exist or cannot be read.
    """
    return object_at(_committed(layout), "config")


def kept_secrets(layout: Layout, key: str) -> frozenset[str]:
    """The names below `key` that have an encrypted value in the generated file."""
    return frozenset(object_at(secure(stack_values(layout)), key))


def environments(checkout: Path) -> list[str]:
    """The names of the environments that a checkout has a file for."""
    names = (path.name for path in checkout.glob("Pulumi.*.yaml"))
    return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in names)


def _base(committed: Values, settings: Values | None) -> Values:
    """The committed values, or those of an earlier release with the committed cluster and state."""
    if settings is None:
        return dict(committed)
    kubernetes = object_at(committed, KUBERNETES)
    place: Values = {key: value for key, value in kubernetes.items() if key in PLACE}
    base = merge(settings, {KUBERNETES: place})
    return {**base, STATE: committed[STATE]} if STATE in committed else base


def _committed(layout: Layout) -> Values:
    if not layout.committed_file.is_file():
        known = ", ".join(environments(layout.checkout)) or "none"
        raise WorkspaceError(
            f"there is no environment {layout.env!r}: {layout.checkout} has no file "
            f"{layout.committed_file.name}; there are: {known}"
        )
    document = load(layout.committed_file)
    unknown = sorted(document.keys() - _ALLOWED)
    if unknown:
        raise WorkspaceError(
            f"{layout.committed_file.name}: {unknown[0]} is not known; the values are below config"
        )
    if plain(object_at(object_at(document, "config"), SECRETS)):
        raise WorkspaceError(
            f"{layout.committed_file.name}: {SECRETS} has secrets in plain text, which git would "
            "keep; remove it: `seawall up` generates them, or seawall:secret_store names a store"
        )
    return document


def _project(layout: Layout) -> Values:
    project = load(layout.project_file)
    project["main"] = os.path.relpath(layout.checkout / _PROGRAM, layout.project)
    runtime = project.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    if isinstance(options, dict) and isinstance(options.get("virtualenv"), str):
        # The path is relative to the checkout, but the generated project is in another folder.
        options["virtualenv"] = str(layout.checkout / str(options["virtualenv"]))
    return project


class _NoAliases(yaml.SafeDumper):
    """Writes a repeated value in full each time, because the strict loader refuses aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """Always."""
        del data
        return True


def _write(path: Path, document: Values) -> None:
    # The replacement is atomic: a killed run leaves the old file or the new one.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f"{path.name}.", delete=False
    ) as fresh:
        fresh.write(yaml.dump(document, Dumper=_NoAliases, sort_keys=True))
    Path(fresh.name).replace(path)
