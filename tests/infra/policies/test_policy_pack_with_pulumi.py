"""`pulumi up --policy-pack infra/policies`, by the real CLI and the real policy SDK.

Two shims are on the CLI's PATH: an echo provider, and the launcher of Python policy packs, which
ships with the official CLI. Nothing is deployed.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation

from seawall.engine.program import closing_its_loop
from seawall.testbed.kit import kit_here

CHECKOUT = Path(__file__).resolve().parents[3]
PACK = CHECKOUT / "infra" / "policies"
LENIENT = (
    '{"digests": false, "external_secrets": false, "disruption_budgets": false,'
    ' "spread": "off", "backup": false, "protect": false, "customer_keys": false}'
)

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Outcome:
    """The result and the output of a preview or an update."""

    passed: bool
    printed: str


@dataclass(frozen=True)
class Engine:
    """The CLI with one stack and its state in a temporary folder."""

    folder: Path
    pulumi: Path

    def run(
        self, program: Callable[[], None], policies: str | None = LENIENT, *, update: bool = False
    ) -> Outcome:
        printed: list[str] = []
        stack = self._stack
        if policies is None:
            stack.remove_config("seawall:policies")
        else:
            stack.set_config("seawall:policies", automation.ConfigValue(policies))
        operation: Callable[..., Any] = stack.up if update else stack.preview
        try:
            with closing_its_loop(program) as run:
                operation(
                    program=run, policy_packs=[str(PACK)], on_output=printed.append, color="never"
                )
        except automation.CommandError as error:
            return Outcome(passed=False, printed="\n".join([*printed, str(error)]))
        return Outcome(passed=True, printed="\n".join(printed))

    @cached_property
    def _stack(self) -> automation.Stack:
        return automation.create_stack(
            "test", project_name="pack", program=lambda: None, opts=self._options()
        )

    def _options(self) -> automation.LocalWorkspaceOptions:
        (self.folder / "work").mkdir(exist_ok=True)
        return automation.LocalWorkspaceOptions(
            work_dir=str(self.folder / "work"),
            env_vars=self._variables(),
            pulumi_command=automation.PulumiCommand(str(self.pulumi.parents[1])),
            project_settings=automation.ProjectSettings(
                name="pack",
                runtime="python",
                backend=automation.ProjectBackend(f"file://{self.folder}"),
            ),
        )

    def _variables(self) -> Mapping[str, str]:
        return {
            "PATH": f"{self.folder / 'shims'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "of a state that lives for one test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The CLI without a cluster."""
    folder = tmp_path_factory.mktemp("pack")
    shims = folder / "shims"
    shims.mkdir()
    echo = Path(__file__).with_name("echo_provider.py")
    # The policy SDK's own launcher does the same: run the pack in the current folder.
    _executable(shims / "pulumi-analyzer-policy-python", f'"{sys.executable}" __main__.py "$@"')
    _executable(shims / "pulumi-resource-kubernetes", f'"{sys.executable}" "{echo}" "$@"')
    program = folder / "cli" / "bin" / "pulumi"
    program.parent.mkdir(parents=True)
    program.symlink_to(kit_here().tool("pulumi") / "pulumi")
    return Engine(folder, program)


def _executable(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\nexec {command}\n")
    path.chmod(0o755)


def _object(token: str, name: str, inputs: Mapping[str, Any]) -> pulumi.CustomResource:
    metadata = {"name": name, **inputs.get("metadata", {})}
    return pulumi.CustomResource(token, name, {**inputs, "metadata": metadata})


def _namespace(version: str) -> pulumi.CustomResource:
    marks = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": version,
    }
    return _object("kubernetes:core/v1:Namespace", "home", {"metadata": {"labels": marks}})


def test_compliant_program_passes(engine: Engine) -> None:
    outcome = engine.run(lambda: _ignored(_namespace("v1.35")))
    assert outcome.passed, outcome.printed
    assert "seawall" in outcome.printed, "the pack was not loaded"


def test_violation_fails_the_preview_with_its_message(engine: Engine) -> None:
    outcome = engine.run(lambda: _ignored(_namespace("latest")))
    assert not outcome.passed
    assert "namespaces-enforce-restricted-pods" in outcome.printed
    assert "enforce-version is 'latest'; pin it to a version such as v1.35" in outcome.printed


def test_all_rules_apply_without_configuration(engine: Engine) -> None:
    outcome = engine.run(lambda: _ignored(_namespace("v1.35")), policies=None)
    assert not outcome.passed
    assert "stateful-resources-are-protected" in outcome.printed


def test_protect_option_is_visible_to_the_rules(engine: Engine) -> None:
    def program() -> None:
        marks = {
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/enforce-version": "v1.35",
        }
        pulumi.CustomResource(
            "kubernetes:core/v1:Namespace",
            "home",
            {"metadata": {"name": "home", "labels": marks}},
            pulumi.ResourceOptions(protect=True),
        )

    outcome = engine.run(program, policies="{}")
    assert outcome.passed, outcome.printed


def test_encrypted_secret_passes_and_a_plain_one_fails(engine: Engine) -> None:
    def sealed() -> None:
        value = pulumi.Output.secret("not shown")
        _object("kubernetes:core/v1:Secret", "whole", {"stringData": {"password": value}})

    def opened() -> None:
        _object("kubernetes:core/v1:Secret", "plain", {"stringData": {"password": "shown"}})

    outcome = engine.run(sealed)
    assert outcome.passed, outcome.printed
    outcome = engine.run(opened)
    assert not outcome.passed
    assert "stringData.password is plain in the state" in outcome.printed


def test_stack_rule_fails_the_preview(engine: Engine) -> None:
    def program() -> None:
        _object(
            "kubernetes:policy/v1:PodDisruptionBudget", "tight", {"spec": {"maxUnavailable": 0}}
        )

    outcome = engine.run(program)
    assert not outcome.passed
    assert "disruption-budgets-leave-room-for-a-drain" in outcome.printed
    assert "maxUnavailable 0 allows no eviction" in outcome.printed


def test_unknown_values_are_checked_by_the_update(engine: Engine) -> None:
    def program() -> None:
        first = _object("kubernetes:core/v1:ConfigMap", "first", {"data": {}})
        unknown = first.id.apply(lambda name: f"https://user:{name}@example.test/")
        _object("kubernetes:core/v1:ConfigMap", "second", {"data": {"address": unknown}})

    outcome = engine.run(program)
    assert outcome.passed, outcome.printed
    outcome = engine.run(program, update=True)
    assert not outcome.passed
    assert "data.address holds a URL with a password" in outcome.printed


def _ignored(resource: pulumi.CustomResource) -> None:
    del resource
