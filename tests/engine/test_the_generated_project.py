"""The generated project: what is merged, what is kept, who can read it. No CLI needed."""

import os
from pathlib import Path
from typing import cast

import pytest
import yaml

from seawall.engine.errors import WorkspaceError
from seawall.engine.ladder import Provider
from seawall.engine.layout import Layout
from seawall.engine.workspace import environment, kept_secrets, stack_values, write_project


@pytest.fixture
def layout(checkout: Path) -> Layout:
    return Layout(checkout, checkout / ".seawall", "test")


def commit(layout: Layout, config: dict[str, object]) -> None:
    layout.committed_file.write_text(yaml.safe_dump({"config": config}))


def write(layout: Layout, images: dict[str, str] | None = None) -> dict[str, object]:
    write_project(layout, kubernetes={"kubeconfig": "/k"}, images=images)
    return cast("dict[str, object]", stack_values(layout))


def test_values_of_the_run_are_merged_into_committed_ones(layout: Layout) -> None:
    commit(layout, {"seawall:kubernetes": {"namespace": "n"}})
    assert write(layout, {"gateway": "g:1"}) == {
        "seawall:images": {"gateway": "g:1"},
        "seawall:kubernetes": {"kubeconfig": "/k", "namespace": "n"},
    }


def test_images_of_the_last_run_are_kept_when_none_are_given(layout: Layout) -> None:
    write(layout, {"gateway": "g:1"})
    assert write(layout)["seawall:images"] == {"gateway": "g:1"}


def test_a_committed_value_that_is_gone_is_gone_from_the_project(layout: Layout) -> None:
    commit(layout, {"seawall:a": 1, "seawall:b": 2})
    write(layout)
    commit(layout, {"seawall:b": 2})
    assert "seawall:a" not in write(layout)


def test_encrypted_values_and_their_salt_are_kept(layout: Layout) -> None:
    write(layout)
    kept = {"api-key-local": {"secure": "v1:abc"}}
    document = {"encryptionsalt": "v1:salt", "config": {"seawall:secrets": kept}}
    layout.stack_file.write_text(yaml.safe_dump(document))
    assert write(layout)["seawall:secrets"] == kept
    assert "encryptionsalt: v1:salt" in layout.stack_file.read_text()
    assert kept_secrets(layout, "seawall:secrets") == {"api-key-local"}


def test_the_checkout_is_not_written_to(layout: Layout) -> None:
    before = {path: path.read_bytes() for path in layout.checkout.glob("Pulumi*")}
    write(layout)
    assert {path: path.read_bytes() for path in layout.checkout.glob("Pulumi*")} == before


def test_the_generated_project_points_to_the_program(layout: Layout) -> None:
    write(layout)
    project = yaml.safe_load((layout.project / "Pulumi.yaml").read_text())
    assert (layout.project / project["main"]).resolve() == layout.checkout / "infra"


def test_an_environment_without_a_file_is_refused(layout: Layout) -> None:
    layout.committed_file.unlink()
    with pytest.raises(WorkspaceError, match=r"there is no Pulumi\.test\.yaml"):
        write(layout)


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(layout: Layout) -> None:
    environment(layout, Provider.STAND_IN)
    first = layout.passphrase.read_text()
    assert len(first) >= 32
    assert layout.passphrase.stat().st_mode & 0o777 == 0o600
    environment(layout, Provider.STAND_IN)
    assert layout.passphrase.read_text() == first


def test_the_shim_is_on_the_path_of_the_stand_ins_runs_only(layout: Layout) -> None:
    with_stand_in = environment(layout, Provider.STAND_IN)["PATH"].split(os.pathsep)
    assert with_stand_in[0] == str(layout.shims)
    assert str(layout.shims) not in environment(layout, Provider.OFFICIAL)["PATH"]
    assert str(layout.shims) not in os.environ["PATH"]
