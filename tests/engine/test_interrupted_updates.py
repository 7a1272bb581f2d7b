"""A CLI or a provider that is killed or interrupted during an update."""

import json
import os
import random
import secrets
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seawall.engine.errors import Interrupted, UpdateCutOff, UpdateRunning, WorkspaceError
from seawall.engine.state import unlock_state
from tests.engine.chains import (
    CLI,
    LENGTH,
    LONG,
    PROVIDER,
    at_done,
    chain,
    kill,
    links,
    names,
    processes,
    updating,
)
from tests.measured import measured

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine

SEED = 20261121
MOMENTS = sorted(random.Random(SEED).sample(range(1, LONG), 4))  # noqa: S311 - no secret
VICTIMS = (CLI, PROVIDER)
MORE_MOMENTS = 10


@pytest.mark.parametrize("moment", MOMENTS)
def test_next_update_repairs_an_update_killed_at_a_seeded_moment(
    scratch: "Scratch", moment: int
) -> None:
    assert_repaired(scratch, moment, VICTIMS[MOMENTS.index(moment) % 2])


@pytest.mark.soak
@pytest.mark.parametrize("index", range(MORE_MOMENTS))
def test_next_update_repairs_an_update_killed_at_a_new_random_moment(
    scratch: "Scratch", index: int
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # shown beside a failure
    assert_repaired(scratch, random.Random(seed).randrange(1, LONG), VICTIMS[index % 2])  # noqa: S311 - no secret


def assert_repaired(scratch: "Scratch", moment: int, victim: str) -> None:
    """Kill the victim after `moment` created objects, and let the next update repair the stack."""
    engine = scratch.engine(chain(scratch, LONG))
    with pytest.raises(UpdateCutOff):
        engine.up(on_progress=at_done(moment, lambda: kill(victim, scratch)))
    made = links(scratch)
    assert made < LONG, "nothing was killed in the middle"
    done = engine.up()
    assert done.recovered
    assert links(scratch) == LONG, "an object is missing, or there is one too many"
    assert engine.snapshot().pending == 0
    assert engine.up().changed == 0
    assert processes(PROVIDER, scratch.checkout) == [], "a provider outlived its caller"
    who = "CLI" if victim == CLI else "provider"
    measured(
        f"{who} killed after {made} of {LONG} objects: recovered in {_seconds(engine.timings)}"
    )


def _seconds(timings: Mapping[str, float]) -> str:
    return f"{timings['recover'] + timings['up']:.1f} s"


def test_next_update_ends_orphaned_provider_processes(
    scratch: "Scratch",
) -> None:
    engine = scratch.engine(chain(scratch, LONG))
    with pytest.raises(UpdateCutOff, match="signal 9"):
        engine.up(on_progress=at_done(1, lambda: kill(CLI, scratch)))
    orphans = processes(PROVIDER, scratch.checkout)
    assert orphans, "the provider is expected to wait for another call"
    engine.up()
    assert not set(orphans) & set(processes(PROVIDER, scratch.checkout))


def test_sigint_reaches_the_cli_and_the_state_is_saved(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch, LONG))
    with pytest.raises(Interrupted):
        engine.up(on_progress=at_done(1, lambda: os.kill(os.getpid(), signal.SIGINT)))
    made = links(scratch)
    assert 0 < made < LONG
    assert not engine.layout.unfinished.exists(), "an interrupted update ended in good order"
    done = engine.up()
    assert not done.recovered, "an interrupted update leaves no lock and nothing pending"
    assert done.changes["create"] == LONG - made


def test_existing_object_is_not_adopted_after_a_failed_update(
    scratch: "Scratch",
) -> None:
    scratch.kubectl("create", "configmap", "link-3", "--from-literal=a=theirs")
    engine = scratch.engine(chain(scratch), objects=names(scratch))
    for _ in range(2):
        with pytest.raises(WorkspaceError, match=r"^configmap/link-3 exist already"):
            engine.up()
    assert links(scratch) == 1, "nothing may be half-made"
    assert scratch.kubectl("get", "configmap/link-3", "-o", "jsonpath={.data.a}") == "theirs"


def test_existing_object_is_adopted_with_adopt_existing(scratch: "Scratch") -> None:
    scratch.kubectl("create", "configmap", "link-3", "--from-literal=a=theirs")
    scratch.engine(chain(scratch), objects=names(scratch), adopt_existing=True).up()
    assert scratch.kubectl("get", "configmap/link-3", "-o", "jsonpath={.data.a}") == "1"


@pytest.fixture(scope="module")
def kept(module_scratch: "Scratch") -> "Scratch":
    """A deployed chain, for tests of locks, which do not change it."""
    module_scratch.engine(chain(module_scratch)).up()
    return module_scratch


def lock(scratch: "Scratch", *, pid: int, host: str) -> Path:
    """Write the lock of a process on that host, in the CLI's format."""
    folder = scratch.engine(chain(scratch)).layout.files
    folder = folder / ".pulumi/locks/organization/seawall/test"
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"pid": pid, "username": "anna", "hostname": host, "timestamp": "2026-01-01T00:00:00Z"}
    file = folder / "other.json"
    file.write_text(json.dumps(entry))
    return file


def test_update_with_a_held_lock_is_refused_and_names_the_holder(kept: "Scratch") -> None:
    held = lock(kept, pid=1, host="another-machine")
    with pytest.raises(UpdateRunning, match="anna@another-machine, process 1") as caught:
        kept.engine(chain(kept)).up()
    held.unlink()
    assert "\n" not in str(caught.value)
    assert "seawall state unlock test" in str(caught.value)


def test_state_unlock_removes_the_lock_of_another_machine(kept: "Scratch") -> None:
    engine = kept.engine(chain(kept))
    lock(kept, pid=1, host="another-machine")
    (held,) = unlock_state(engine)
    assert str(held) == "anna@another-machine, process 1"
    assert engine.up().recovered
    assert unlock_state(engine) == []


def test_lock_of_a_dead_local_process_is_removed(kept: "Scratch") -> None:
    dead = 2**22 + 1  # above the kernel's highest process id
    lock(kept, pid=dead, host=socket.gethostname())
    assert kept.engine(chain(kept)).up().recovered


def test_second_concurrent_update_names_the_lock_holder(scratch: "Scratch") -> None:
    with updating(scratch) as first:
        with pytest.raises(UpdateRunning) as caught:
            scratch.engine(chain(scratch)).up()
        assert f"@{socket.gethostname()}, process " in str(caught.value)
    assert links(scratch) == LENGTH
    assert first.up().changed == 0
