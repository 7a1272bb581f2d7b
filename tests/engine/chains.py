"""A program that can be interrupted midway: a chain of ConfigMaps that depend on each other."""

import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from seawall.common.wait import wait_until
from seawall.engine.existing import ObjectName
from seawall.engine.stack import Engine
from seawall.engine.update import Progress, Stage

if TYPE_CHECKING:
    from conftest import Scratch

LENGTH = 5
FORCE = {"pulumi.com/patchForce": "true"}
"""The annotations that the platform's objects have too."""
LONG = 25
"""The length of a chain that a test interrupts."""


def chain(scratch: "Scratch", length: int = LENGTH) -> Callable[[], None]:
    def run() -> None:
        provider = Provider("cluster", kubeconfig=str(scratch.kubeconfig))
        before: list[pulumi.Resource] = []
        for index in range(length):
            name = f"link-{index}"
            opts = pulumi.ResourceOptions(provider=provider, depends_on=before)
            metadata = ObjectMetaArgs(name=name, namespace=scratch.namespace, annotations=FORCE)
            before = [ConfigMap(name, metadata=metadata, data={"a": "1"}, opts=opts)]

    return run


@contextmanager
def updating(scratch: "Scratch", machine: str = ".seawall") -> Generator[Engine]:
    """Run an update that holds the stack's lock until the end of the block, and then succeeds."""
    begun, go_on = threading.Event(), threading.Event()
    deploy = chain(scratch)

    def run() -> None:
        begun.set()
        go_on.wait(60)
        deploy()

    engine = scratch.engine(run, machine=machine)
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(engine.up)
        try:
            wait_until(
                lambda: begun.is_set() or update.done(), deadline_s=30, what="the update's program"
            )
            yield engine
        finally:
            go_on.set()
        update.result(60)


def names(scratch: "Scratch", length: int = LENGTH) -> tuple[ObjectName, ...]:
    """The names of the chain's objects."""
    return tuple(
        ObjectName("v1", "ConfigMap", scratch.namespace, f"link-{index}") for index in range(length)
    )


def links(scratch: "Scratch") -> int:
    """The number of the chain's objects in the cluster."""
    return scratch.kubectl("get", "configmaps", "-o", "name").count("/link-")


def at_done(number: int, action: Callable[[], None]) -> Callable[[Progress], None]:
    """A progress listener that runs `action` once, when `number` links are done."""
    done: set[str] = set()
    pending = [action]

    def hear(progress: Progress) -> None:
        if progress.resource.startswith("ConfigMap link-") and progress.stage is Stage.DONE:
            done.add(progress.urn)
        if len(done) >= number and pending:
            pending.pop()()

    return hear


def processes(marker: str, folder: Path) -> list[int]:
    """Processes of this stack with `marker` in their command line (NUL between words)."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, variables = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        if marker.encode() in command and str(folder).encode() in variables:
            found.append(int(entry.name))
    return found


def kill(marker: str, scratch: "Scratch") -> None:
    """Kill these processes with SIGKILL, as the kernel does when memory runs out."""
    for pid in processes(marker, scratch.checkout):
        os.kill(pid, 9)


CLI = "pulumi\0--non-interactive\0up"
PROVIDER = "pulumi-resource-kubernetes"
