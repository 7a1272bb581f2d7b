"""Release records, while other processes write to the generated project."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pulumi
import pytest
import yaml

from seawall.engine.errors import WorkspaceError

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine


def program() -> Callable[[], None]:
    """A program without resources that exports the platform's release outputs."""

    def run() -> None:
        config = pulumi.Config("seawall")
        release = cast("dict[str, Any]", config.require_object("release"))
        pulumi.export("images", config.get_object("images"))
        pulumi.export("last_good_release", release["last_good"])

    return run


def commit(scratch: "Scratch", word: str) -> None:
    document = {"config": {"seawall:gateway": {"word": word}}}
    (scratch.checkout / "Pulumi.test.yaml").write_text(yaml.safe_dump(document))


def good_word(scratch: "Scratch") -> object:
    good = cast("dict[str, Any]", scratch.engine(program()).last_good())
    return good["settings"]["seawall:gateway"]["word"]


def test_release_record_contains_the_deployed_settings(scratch: "Scratch") -> None:
    commit(scratch, "first")
    engine = scratch.engine(program())
    engine.up(images={"gateway": "g:1"})
    commit(scratch, "edited meanwhile")
    scratch.engine(program()).preview()  # it rewrites the generated project
    engine.record_good()
    assert good_word(scratch) == "first"


def test_read_only_operations_do_not_change_the_generated_project(scratch: "Scratch") -> None:
    commit(scratch, "first")
    engine = scratch.engine(program())
    engine.up(images={"gateway": "g:1"})
    before = engine.layout.stack_file.read_bytes()
    commit(scratch, "second")
    other = scratch.engine(program())
    other.prepare()
    other.snapshot()
    assert engine.layout.stack_file.read_bytes() == before


def test_rollback_deploys_the_settings_of_the_last_good_release(scratch: "Scratch") -> None:
    commit(scratch, "first")
    engine = scratch.engine(program())
    engine.up(images={"gateway": "g:1"})
    engine.record_good()
    commit(scratch, "second")
    engine.up(images={"gateway": "g:2"})
    good = cast("dict[str, Any]", engine.last_good())
    engine.up(images=good["images"], settings=good["settings"])
    engine.record_good()
    assert good_word(scratch) == "first"
    assert engine.snapshot().outputs["images"] == {"gateway": "g:1"}


def test_unspecified_images_keep_their_deployed_version(scratch: "Scratch") -> None:
    engine = scratch.engine(program())
    engine.up(images={"gateway": "g:1", "redis": "r:1"})
    engine.preview(images={"gateway": "g:only-looked-at"})
    engine.up(images={"redis": "r:2"})
    assert engine.snapshot().outputs["images"] == {"gateway": "g:1", "redis": "r:2"}


def test_run_without_a_deployment_records_no_release(scratch: "Scratch") -> None:
    with pytest.raises(WorkspaceError, match="nothing was deployed by this run"):
        scratch.engine(program()).record_good()
