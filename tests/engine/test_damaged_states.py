"""Damaged states, and a full disk below the state."""

import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seawall.common.errors import HostError
from seawall.engine.errors import ToolError, UpdateCutOff, WorkspaceError
from seawall.engine.state import backup_state, restore_state
from tests.engine.chains import LENGTH, LONG, at_done, chain, links

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def kept(module_scratch: "Scratch") -> "Scratch":
    """A deployed chain, for tests that do not change it."""
    module_scratch.engine(chain(module_scratch)).up()
    return module_scratch


def test_a_damaged_state_is_restored_from_the_last_good_copy(scratch: "Scratch") -> None:
    scratch.engine(chain(scratch)).up()
    engine = scratch.engine(chain(scratch))
    engine.layout.checkpoint.write_bytes(b'{"version":3,"checkp')
    done = engine.up()
    assert done.recovered
    assert engine.repaired is not None
    assert "was damaged" in engine.repaired
    assert len(list(engine.layout.checkpoint.parent.glob("*.damaged-*"))) == 1
    assert links(scratch) == LENGTH
    assert engine.snapshot().resources == LENGTH + 2


def test_empty_attributes_file_does_not_prevent_reading_the_state(
    kept: "Scratch",
) -> None:
    engine = kept.engine(chain(kept))
    assert not list(engine.layout.files.rglob("*.attrs")), "the CLI writes none for the kit"
    engine.layout.checkpoint.with_name("test.json.attrs").write_bytes(b"")
    assert engine.up().changed == 0


def test_damaged_state_without_a_copy_names_the_restore_command(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch))
    engine.up()
    copy = backup_state(engine)
    for path in engine.layout.files.rglob("*.json*"):
        path.unlink()
    engine.layout.last_copy.unlink()
    engine.layout.checkpoint.write_bytes(b"{")
    engine = scratch.engine(chain(scratch))
    with pytest.raises(WorkspaceError, match="seawall state restore test FILE") as caught:
        engine.up()
    assert "\n" not in str(caught.value)
    restore_state(scratch.engine(chain(scratch)), copy)
    engine = scratch.engine(chain(scratch))
    assert engine.up().changes.get("create", 0) == 0, "everything was in the copy"
    assert links(scratch) == LENGTH


def test_a_backup_of_another_stack_is_not_restored(kept: "Scratch", tmp_path: Path) -> None:
    engine = kept.engine(chain(kept))
    copy = backup_state(engine)
    foreign = tmp_path / "foreign.json"
    foreign.write_text(copy.read_text().replace("urn:pulumi:test::", "urn:pulumi:prod::"))
    with pytest.raises(WorkspaceError, match="a copy of stack prod, not of test"):
        restore_state(engine, foreign)
    foreign.write_text("no state")
    with pytest.raises(WorkspaceError, match="is no copy of a state"):
        restore_state(engine, foreign)
    assert engine.up().changed == 0


def test_automatic_state_copy_can_be_restored(kept: "Scratch") -> None:
    engine = kept.engine(chain(kept))
    engine.up()
    copy = engine.layout.last_copy
    assert copy.stat().st_mode & 0o777 == 0o600
    before = restore_state(engine, copy)
    assert before is not None
    assert before.stat().st_mode & 0o777 == 0o600
    restore_state(engine, before)
    assert engine.snapshot().resources == LENGTH + 2


def test_restore_of_an_empty_copy_is_refused(kept: "Scratch", tmp_path: Path) -> None:
    engine = kept.engine(chain(kept))
    empty = tmp_path / "empty.json"
    empty.write_text('{"version": 3, "deployment": {}}')
    with pytest.raises(WorkspaceError, match="holds no resource"):
        restore_state(engine, empty)
    assert engine.snapshot().resources == LENGTH + 2


def test_state_backup_is_private_and_never_overwrites_a_file(
    kept: "Scratch", tmp_path: Path
) -> None:
    with pytest.raises(WorkspaceError, match="has no state yet"):
        backup_state(kept.engine(chain(kept), machine="another"))
    engine = kept.engine(chain(kept))
    file = backup_state(engine, tmp_path / "copy.json")
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(WorkspaceError, match="exists already"):
        backup_state(engine, file)


@pytest.fixture
def small_disk(scratch: "Scratch") -> Generator[Path]:
    """A disk of 8 MiB for the state."""
    folder = scratch.engine(chain(scratch)).layout.files
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_update_on_a_full_disk_continues_after_space_is_freed(
    scratch: "Scratch", small_disk: Path
) -> None:
    engine = scratch.engine(chain(scratch, LONG))
    filler = small_disk / "filler"

    def fill() -> None:
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"x" * (9 << 20))

    with pytest.raises(UpdateCutOff, match="no space left on device") as caught:
        engine.up(on_progress=at_done(3, fill))
    assert "\n" not in str(caught.value)
    made = links(scratch)
    assert 3 <= made < LONG
    with pytest.raises(HostError, match=r"0 MiB free.*nothing was changed"):
        engine.up()
    assert links(scratch) == made
    filler.unlink()
    done = engine.up()
    assert done.recovered
    assert links(scratch) == LONG


def test_a_wrong_passphrase_is_one_line(scratch: "Scratch") -> None:
    engine = scratch.engine(chain(scratch), ["word"])
    engine.up()
    engine.layout.passphrase.write_text("another one")
    for operation in (engine.up, engine.preview, engine.destroy):
        with pytest.raises(ToolError, match="is not the one that the state") as caught:
            operation()
        assert "\n" not in str(caught.value)
        assert "another one" not in str(caught.value)
