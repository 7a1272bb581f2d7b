"""A CLI that is killed or interrupted in the middle of an update."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pytest
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from seawall.engine import recovery
from seawall.engine.errors import Interrupted, UpdateFailed, UpdateRunning
from seawall.engine.layout import Layout
from seawall.engine.update import Progress, Stage
from seawall.wait import wait_until

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine

LENGTH = 25


def chain(scratch: "Scratch", *, adopt: bool = False) -> Callable[[], None]:
    """ConfigMaps of which each waits for the one before: an update with a middle."""

    def run() -> None:
        provider = Provider(
            "cluster", kubeconfig=str(scratch.kubeconfig), upsert_existing_objects=adopt
        )
        before: list[pulumi.Resource] = []
        for index in range(LENGTH):
            name = f"link-{index}"
            opts = pulumi.ResourceOptions(provider=provider, depends_on=before)
            metadata = ObjectMetaArgs(name=name, namespace=scratch.namespace)
            before = [ConfigMap(name, metadata=metadata, data={"a": "1"}, opts=opts)]

    return run


def at_the_first_done(action: Callable[[], None]) -> Callable[[Progress], None]:
    pending = [action]

    def hear(progress: Progress) -> None:
        is_link = progress.resource.startswith("ConfigMap link-")
        if is_link and progress.stage is Stage.DONE and pending:
            pending.pop()()

    return hear


def processes(marker: str) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            environment = (entry / "environ").read_bytes() if marker.encode() in command else b""
        except OSError:
            continue
        if environment:
            found.append(int(entry.name))
    return found


def children(marker: str, state_dir: Path) -> list[int]:
    """Processes of this stack whose command line holds `marker`."""
    own: list[int] = []
    for pid in processes(marker):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if str(state_dir).encode() in environment:
            own.append(pid)
    return own


def links(scratch: "Scratch") -> int:
    return scratch.kubectl("get", "configmaps", "-o", "name").count("/link-")


def kill_the_cli(scratch: "Scratch") -> None:
    for pid in children("pulumi\0--non-interactive\0up", scratch.state_dir):
        os.kill(pid, signal.SIGKILL)


def test_an_update_after_a_killed_one_recovers_by_itself(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch, adopt=True))
    with pytest.raises(UpdateFailed):
        engine.up(on_progress=at_the_first_done(lambda: kill_the_cli(scratch)))
    assert links(scratch) < LENGTH, "the CLI was not killed in the middle"
    done = engine.up()
    assert done.recovered
    assert links(scratch) == LENGTH
    assert engine.up().changed == 0


def test_the_provider_does_not_outlive_a_killed_cli(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch))
    with pytest.raises(UpdateFailed):
        engine.up(on_progress=at_the_first_done(lambda: kill_the_cli(scratch)))
    wait_until(
        lambda: not children("seawall.engine.standin", scratch.state_dir),
        deadline_s=10,
        what="the end of the stand-in",
    )


def test_an_interrupt_is_passed_on_and_the_state_is_saved(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch))
    with pytest.raises(Interrupted):
        engine.up(on_progress=at_the_first_done(lambda: os.kill(os.getpid(), signal.SIGINT)))
    made = links(scratch)
    assert 0 < made < LENGTH
    done = engine.up()
    assert not done.recovered, "an interrupted update leaves no lock and nothing pending"
    assert done.changes["create"] == LENGTH - made


def test_a_running_update_is_not_disturbed(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch))
    engine.up()
    layout = Layout(scratch.checkout, scratch.state_dir, "test")
    folder = layout.backend / ".pulumi/locks/organization/seawall/test"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "other.json"
    lock.write_text('{"pid": 1, "hostname": "another-machine"}')
    assert [item.is_stale for item in recovery.locks(layout, "seawall")] == [False]
    with pytest.raises(UpdateRunning, match="process 1 on another-machine"):
        engine.up()
    lock.unlink()
