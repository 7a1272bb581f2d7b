"""Files that the engine keeps in addition to Pulumi's state, and secrets that it never shows."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pytest
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from seawall.engine import cli
from seawall.engine.programs import PROVIDER
from seawall.engine.update import Progress

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine


def one_secret(scratch: "Scratch") -> Callable[[], None]:
    def run() -> None:
        word = pulumi.Config("seawall").require_secret_object("secrets")["word"]
        Secret(
            "sample",
            metadata=ObjectMetaArgs(name="sample", namespace=scratch.namespace),
            string_data={"word": word},
            opts=pulumi.ResourceOptions(
                provider=Provider("cluster", kubeconfig=str(scratch.kubeconfig))
            ),
        )
        pulumi.export("word", word)

    return run


def all_command_lines() -> list[str]:
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_temporary_provider_files_are_removed_with_their_process(scratch: "Scratch") -> None:
    common = Path(tempfile.gettempdir())
    before = set(common.glob("kubeconfig*"))
    engine = scratch.engine(one_secret(scratch), ["word"])
    of_a_killed_one = engine.layout.temporary / str(2**22 + 1)  # above the highest process id
    of_a_killed_one.mkdir(parents=True)
    engine.up()
    assert set(common.glob("kubeconfig*")) == before
    own = engine.layout.temporary / str(os.getpid())
    assert list(own.glob("kubeconfig*")), "without what it leaves, the folder is not needed"
    assert own.stat().st_mode & 0o077 == 0
    assert not of_a_killed_one.exists()
    program = (
        "from pathlib import Path; from seawall.engine.layout import Layout;"
        "from seawall.engine.temporary import own_folder;"
        f"print(own_folder(Layout(Path(), Path({str(scratch.checkout)!r}), 'test')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not Path(done.stdout.strip()).exists(), "it goes with its process"


def test_generated_secret_stays_the_same_across_updates(scratch: "Scratch") -> None:
    engine = scratch.engine(one_secret(scratch), ["word"])
    engine.up()
    first = engine.outputs()["word"]
    scratch.engine(one_secret(scratch), ["word"]).up()
    again = engine.outputs()["word"]
    assert first.secret
    assert first.value == again.value
    assert "secret" in repr(first), "an output must not be printed by accident"
    assert str(first.value) not in repr(first)


def test_no_secret_is_in_process_arguments_and_pulumi_writes_no_log(
    scratch: "Scratch", monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Monitored(subprocess.Popen[str]):
        def __init__(self, args: list[str], **options: object) -> None:
            seen.extend(str(word) for word in args)
            super().__init__(args, **options)  # pyright: ignore[reportCallIssue, reportArgumentType]

    def look(progress: Progress) -> None:
        del progress
        seen.extend(all_command_lines())

    monkeypatch.setattr(cli.subprocess, "Popen", Monitored)
    engine = scratch.engine(one_secret(scratch), ["word"])
    engine.up(on_progress=look)
    word = str(engine.outputs()["word"].value)
    assert "config" in seen, "the command that stores secrets was not seen"
    assert any(PROVIDER in line for line in seen), "no process was seen while the update ran"
    assert not any(word in line for line in seen)
    logs = engine.layout.pulumi_home / "logs"
    assert logs.read_bytes() == b"", "its automatic log has all properties of all resources"
