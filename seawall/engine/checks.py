"""Checks before Pulumi starts: the configuration, and the resources that the program declares.

The program runs under Pulumi's mocks in this process (`infra.synth`), and the policies check the
resources that it declares. So a violation stops an update before its first change.
"""

import sys
from collections.abc import Mapping
from typing import Any

from infra import parsing
from seawall.engine.errors import IncompleteError, PolicyError, WorkspaceError
from seawall.engine.existing import ObjectName
from seawall.engine.layout import Layout
from seawall.engine.program import Program
from seawall.engine.workspace import committed_values, stack_values

__all__ = ["checked_program"]

_SHOWN = 5


def checked_program(layout: Layout) -> Program:
    """The program of `infra/` for the generated project.

    Raises:
        IncompleteError: keys are missing.
        WorkspaceError: a value of the configuration is wrong.
        PolicyError: a declared resource violates a policy.
    """
    # Not at the top: importing the SDK's Kubernetes types takes a second; only updates need them.
    from infra.policies import check  # noqa: PLC0415
    from infra.program import deploy  # noqa: PLC0415
    from infra.secret_names import secret_names  # noqa: PLC0415
    from infra.synth import synth  # noqa: PLC0415

    values = stack_values(layout)
    try:
        environment = parsing.parse(values)
        resources = synth(values, env=layout.env)
    except parsing.ConfigError as error:
        missing = isinstance(error, parsing.IncompleteError)
        kind = IncompleteError if missing else WorkspaceError
        raise kind(f"{layout.committed_file.name}: {error}") from error
    for warning in parsing.renamed_keys(committed_values(layout)):
        sys.stderr.write(f"warning: {layout.committed_file.name}: {warning}\n")
    violations = check(resources, environment.policies)
    if violations:
        shown = "; ".join(str(violation) for violation in violations[:_SHOWN])
        more = len(violations) - _SHOWN
        raise PolicyError(
            f"environment {layout.env} has {len(violations)} policy violations: {shown}"
            + (f"; and {more} more" if more > 0 else "")
        )
    return Program(
        deploy,
        secret_names(environment),
        resources=len(resources) + 1,
        objects=tuple(_named(item.inputs) for item in resources if _is_named(item.inputs)),
    )


def _is_named(inputs: Mapping[str, Any]) -> bool:
    return "apiVersion" in inputs and bool(inputs.get("metadata", {}).get("name"))


def _named(inputs: Mapping[str, Any]) -> ObjectName:
    metadata = inputs["metadata"]
    return ObjectName(
        inputs["apiVersion"], inputs["kind"], metadata.get("namespace", ""), metadata["name"]
    )
