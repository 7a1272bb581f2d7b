"""Deploy a release to an environment, prove that it serves, and return to one that did."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from contract import labels, ports
from seawall.common.errors import ClusterError, SeawallError, UsageError
from seawall.common.wait import TimedOutError, wait_until
from seawall.engine.errors import UpdateCutOff, UpdateFailed, WorkspaceError
from seawall.engine.release import settings_of
from seawall.engine.sections import committed_images
from seawall.engine.strict_yaml import Values
from seawall.engine.update import OnProgress, UpResult
from seawall.engine.values import object_at
from seawall.engine.workspace import committed_values
from seawall.kube.port_forward import forwarded
from seawall.ops.deployment import Target
from seawall.ops.smoke import Answer, smoke_test
from seawall.ops.verify import Expected, verify_rollout, what_is_wrong
from seawall.testbed.local_environment import references

__all__ = ["Released", "Watcher", "release", "rollback", "smoke"]

_KEY_FILE = "SEAWALL_API_KEY_FILE"
_LEAVING_S = 15.0
"""By then no node sends requests to a pod that is terminating."""


class _Outputs(BaseModel):
    """The outputs of the stack that this module reads."""

    namespace: str
    gateway_url: str
    images: dict[str, str]
    api_keys: dict[str, str] = {}
    simulator_admin_urls: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Released:
    """The result of a release.

    Attributes:
        update: the engine's counts and steps.
        answers: the plain and the streamed completion; empty when there is no API key.
        gateway_url: base URL of the gateway inside the cluster, without /v1.
        admin_urls: the admin URL of each provider simulator, which can make the simulator fail.
        images: the deployed images.
        notes: lines for the user: a repaired state, a smoke test that was not possible.
    """

    update: UpResult
    answers: list[Answer]
    gateway_url: str
    admin_urls: Mapping[str, str]
    images: Mapping[str, str]
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Watcher:
    """Callbacks for the steps of an update.

    Attributes:
        expect: called once with the number of resources, before the first step.
        hear: called with every step.
    """

    expect: Callable[[int | None], object]
    hear: OnProgress


def release(
    target: Target,
    watcher: Watcher,
    *,
    images: Mapping[str, str] | None = None,
    settings: Values | None = None,
) -> Released:
    """Update the stack, wait until it serves, send test requests, and record it as good.

    Args:
        target: the environment; its cluster runs.
        watcher: called for every step.
        images: references by name; they override the committed and the deployed images.
        settings: the settings of an earlier release; they replace the committed ones.

    Raises:
        SeawallError: the release could not be deployed, or it does not serve; says what to do.
    """
    target.check_cluster()
    target.check_names_of_the_cluster()
    engine, progress = target.engine, target.kit.progress
    watcher.expect(engine.snapshot().resources or None)
    with progress.step(f"deploy {target.env} with Pulumi", estimate_s=8):
        try:
            update = engine.up(
                images=images, settings=settings, refresh=True, on_progress=watcher.hear
            )
        except UpdateCutOff:
            raise
        except UpdateFailed as failed:
            raise UpdateFailed(f"{failed}{_seen(target)}{_way_back(target)}") from failed
    progress.note(update.line())
    outputs = _Outputs.model_validate(
        {name: output.value for name, output in engine.outputs().items()}
    )
    try:
        with progress.step("wait until it serves", estimate_s=30):
            verify_rollout(
                target.kubectl,
                namespace=outputs.namespace,
                expected=Expected(engine.snapshot().objects, frozenset(outputs.images.values())),
            )
        answers, note = _ask(target, outputs)
    except ClusterError as failed:
        raise ClusterError(f"{failed}{_way_back(target)}") from failed
    if answers:
        engine.record_good()
    return Released(
        update=update,
        answers=answers,
        gateway_url=outputs.gateway_url,
        admin_urls=outputs.simulator_admin_urls,
        images=outputs.images,
        notes=[line for line in (engine.repaired, note) if line],
    )


def rollback(target: Target, watcher: Watcher) -> Released:
    """Deploy the last release that was seen to serve, even if the committed files differ.

    The notes say when the rollback changes nothing, and when the next `up` would undo it.

    Raises:
        UsageError: no such release is recorded.
        SeawallError: see `release`.
    """
    target.engine.prepare()
    good = target.engine.last_good()
    if good is None:
        raise UsageError(
            f"no release of {target.env} was ever seen to serve, so there is none to return to"
        )
    images = {name: str(ref) for name, ref in object_at(good, "images").items()}
    notes = _notes_of_rollback(target, good)
    done = release(target, watcher, images=images, settings=object_at(good, "settings"))
    done.notes.extend(notes)
    return done


def _notes_of_rollback(target: Target, good: Values) -> list[str]:
    notes: list[str] = []
    deployed = target.engine.snapshot().outputs.get("release")
    same = {name: good.get(name) for name in ("images", "settings_sha256")}
    if deployed == same:
        notes.append("this release was already the last good one: no earlier one is recorded")
    layout = target.engine.layout
    try:
        named = committed_images(layout)
    except WorkspaceError as wrong:
        notes.append(f"the next `up` fails: {wrong}")
        return notes
    images = {**(references(target.kit) if target.own else {}), **named}
    kept = object_at(good, "images")
    if any(kept.get(name) != ref for name, ref in images.items()):
        notes.append("the next `up` deploys other images: those that are now built or configured")
    if settings_of(committed_values(layout)) != object_at(good, "settings"):
        notes.append(
            f"{layout.committed_file.name} has other settings: the next `up` deploys those"
        )
    return notes


def smoke(target: Target) -> tuple[list[Answer], str | None]:
    """Send test requests to the gateway of a deployed environment.

    Returns:
        The answers, or no answers and the reason why no request could be sent.

    Raises:
        SeawallError: the environment is not deployed, or the gateway gives a wrong answer.
    """
    target.check_deployed()
    target.engine.prepare()
    target.check_cluster()
    found = {name: output.value for name, output in target.engine.outputs().items()}
    if "gateway_url" not in found:
        raise UsageError(target.not_deployed)
    return _ask(target, _Outputs.model_validate(found))


def _ask(target: Target, outputs: _Outputs) -> tuple[list[Answer], str | None]:
    key = _key(target, outputs)
    if key is None:
        return [], (
            "without an API key no completion was requested, so this release is not recorded as "
            f"good: set {_KEY_FILE} to a file with an API key of {target.env}"
        )
    # Ask a pod of this release first: through the Service, a terminating pod might answer.
    pod, address = _living_pod(target, outputs)
    if target.reachable:
        smoke_test(f"http://{address}:{ports.GATEWAY_HTTP}", key)
        return _through_the_service(outputs.gateway_url, key), None
    port = ports.GATEWAY_HTTP
    with forwarded(target.kubectl, outputs.namespace, f"pod/{pod}", port=port) as url:
        return smoke_test(url, key), None


def _through_the_service(url: str, key: str) -> list[Answer]:
    """The answers through the Service, as users get them, once the last old pod is gone.

    Raises:
        ClusterError: there is no answer after `_LEAVING_S`; gives the last reason.
    """
    failed: list[ClusterError] = []

    def answers() -> list[Answer]:
        try:
            return smoke_test(url, key)
        except ClusterError as error:
            failed.append(error)
            return []

    try:
        return wait_until(answers, deadline_s=_LEAVING_S, what="an answer", interval_s=0.5)
    except TimedOutError:
        raise failed[-1] from None


def _living_pod(target: Target, outputs: _Outputs) -> tuple[str, str]:
    """Name and address of a gateway pod that is not terminating.

    Raises:
        ClusterError: there is none.
    """
    columns = "{.metadata.name} {.status.podIP} {.metadata.deletionTimestamp}"
    listed = target.kubectl(
        *("-n", outputs.namespace, "get", "pods", f"--selector={labels.NAME}=gateway"),
        *("--field-selector=status.phase=Running", "-o"),
        "jsonpath={range .items[*]}" + columns + '{"\\n"}{end}',
    )
    for line in listed.splitlines():
        match line.split():
            case [name, address]:
                return name, address
            case _:
                continue
    raise ClusterError(f"no pod of the gateway runs in namespace {outputs.namespace}")


def _key(target: Target, outputs: _Outputs) -> str | None:
    """A generated API key, which is also written to a file, or the key in the user's file."""
    if outputs.api_keys:
        key = next(iter(outputs.api_keys.values()))
        target.key_file.parent.mkdir(parents=True, exist_ok=True)
        target.key_file.touch(mode=0o600)
        target.key_file.write_text(key)
        return key
    named = os.environ.get(_KEY_FILE)
    if not named:
        return None
    try:
        return Path(named).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{_KEY_FILE}: {named} cannot be read: {error.strerror}") from error


def _seen(target: Target) -> str:
    """What is wrong in the cluster after a failed update: Pulumi's error names no pod."""
    try:
        wrong = what_is_wrong(target.kubectl, target.namespace)
    except ClusterError:
        return ""
    return f"; {wrong}" if wrong else ""


def _way_back(target: Target) -> str:
    try:
        good = target.engine.last_good()
    except SeawallError:
        return ""
    return f"; `seawall rollback {target.env}` returns to the last good release" if good else ""
