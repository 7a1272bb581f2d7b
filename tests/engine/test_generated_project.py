"""The generated project: merged values, kept values and file modes. It needs no CLI."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
import yaml

from seawall.engine.backend import backend_of
from seawall.engine.errors import ToolError, WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.programs import PROVIDER, place, provider_release
from seawall.engine.release import release_of, write_release
from seawall.engine.strict_yaml import Value
from seawall.engine.workspace import (
    RunValues,
    committed_values,
    kept_secrets,
    stack_values,
    write_project,
)


@pytest.fixture
def layout(checkout: Path) -> Layout:
    return Layout(checkout, checkout / ".seawall", "test")


def commit(layout: Layout, config: dict[str, object]) -> None:
    layout.committed_file.write_text(yaml.safe_dump({"config": config}))


def write(layout: Layout, images: dict[str, str] | None = None) -> dict[str, object]:
    write_project(layout, RunValues({"kubeconfig": "/k"}, images))
    return cast("dict[str, object]", stack_values(layout))


def test_run_values_are_merged_into_committed_values(layout: Layout) -> None:
    commit(layout, {"seawall:kubernetes": {"namespace": "n"}})
    assert write(layout, {"gateway": "g:1"}) == {
        "seawall:images": {"gateway": "g:1"},
        "seawall:kubernetes": {"kubeconfig": "/k", "namespace": "n"},
    }


def test_value_removed_from_the_committed_file_is_removed_from_the_project(layout: Layout) -> None:
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


def test_committed_files_are_not_changed(layout: Layout) -> None:
    before = {path: path.read_bytes() for path in layout.checkout.glob("Pulumi*")}
    write(layout)
    assert {path: path.read_bytes() for path in layout.checkout.glob("Pulumi*")} == before


def test_the_generated_project_points_to_the_program(layout: Layout) -> None:
    write(layout)
    project = yaml.safe_load((layout.project / "Pulumi.yaml").read_text())
    assert (layout.project / project["main"]).resolve() == layout.checkout / "infra"


def test_environment_without_a_file_is_an_error(layout: Layout) -> None:
    layout.committed_file.unlink()
    with pytest.raises(WorkspaceError, match=r"there is no environment 'test'.*there are: none"):
        write(layout)


def test_images_of_the_run_override_committed_images(layout: Layout) -> None:
    commit(layout, {"seawall:images": {"gateway": "g:2", "redis": "r:2"}})
    assert write(layout, {"gateway": "g:3"})["seawall:images"] == {"gateway": "g:3", "redis": "r:2"}
    assert write(layout)["seawall:images"] == {"gateway": "g:2", "redis": "r:2"}


def test_rotated_committed_secret_is_used(layout: Layout) -> None:
    for cipher in ("v1:old", "v1:new"):
        commit(layout, {"seawall:secrets": {"word": {"secure": cipher}}})
        assert write(layout)["seawall:secrets"] == {"word": {"secure": cipher}}


def test_secrets_encrypted_with_another_salt_are_dropped(layout: Layout) -> None:
    write(layout)
    secrets = {"seawall:secrets": {"word": {"secure": "v1:abc"}}}
    layout.stack_file.write_text(yaml.safe_dump({"encryptionsalt": "one", "config": secrets}))
    layout.committed_file.write_text(yaml.safe_dump({"encryptionsalt": "two", "config": {}}))
    assert "seawall:secrets" not in write(layout)


def test_concurrent_writers_leave_a_complete_project(layout: Layout) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, layout) for _ in range(64)]:
            done.result()
    assert sorted(path.name for path in layout.project.iterdir()) == [
        "Pulumi.test.yaml",
        "Pulumi.yaml",
    ]


def test_earlier_release_restores_settings_but_not_cluster_and_state(layout: Layout) -> None:
    commit(layout, {"seawall:kubernetes": {"namespace": "n"}, "seawall:gateway": {"a": 1}})
    write(layout, {"gateway": "g:1"})
    good = release_of(layout)
    state: dict[str, object] = {"backend": "s3://state"}
    commit(
        layout,
        {
            "seawall:kubernetes": {"namespace": "n", "context": "here"},
            "seawall:gateway": {"a": 2},
            "seawall:state": state,
        },
    )
    settings = cast("dict[str, Value]", good["settings"])
    write_project(layout, RunValues({"kubeconfig": "/k2"}, {"gateway": "g:1"}, settings))
    assert stack_values(layout) == {
        "seawall:gateway": {"a": 1},
        "seawall:images": {"gateway": "g:1"},
        "seawall:kubernetes": {"namespace": "n", "context": "here", "kubeconfig": "/k2"},
        "seawall:state": state,
    }


def test_release_contains_no_secrets_and_no_cluster_access(layout: Layout) -> None:
    commit(
        layout,
        {
            "seawall:kubernetes": {"namespace": "n", "adopt_existing": True},
            "seawall:secrets": {"word": {"secure": "v1:abc"}},
            "seawall:gateway": {"a": 1},
        },
    )
    write(layout, {"gateway": "g:1"})
    before = release_of(layout)
    assert before["settings"] == {
        "seawall:gateway": {"a": 1},
        "seawall:kubernetes": {"namespace": "n"},
    }
    write_release(layout, last_good=before)
    assert release_of(layout) == before, "a release must not contain the one before it"


def test_passphrase_is_generated_once_with_mode_0600(layout: Layout) -> None:
    backend = backend_of(layout, None)
    backend.variables()
    first = layout.passphrase.read_text()
    assert len(first) >= 32
    assert layout.passphrase.stat().st_mode & 0o777 == 0o600
    backend.variables()
    assert layout.passphrase.read_text() == first


def test_shared_state_uses_the_users_passphrase_and_generates_none(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    backend = backend_of(layout, {"backend": "s3://state"})
    with pytest.raises(ToolError, match="name the file that holds it in PULUMI_CONFIG_PASSPHRASE"):
        backend.variables()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/somewhere")
    assert backend.variables() == {
        "PULUMI_BACKEND_URL": "s3://state",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/somewhere",
    }
    assert not layout.passphrase.exists()


def test_a_state_without_a_backend_is_refused(layout: Layout) -> None:
    with pytest.raises(WorkspaceError, match=r"seawall:state\.backend is missing"):
        backend_of(layout, {"secrets_provider": "passphrase"})


def test_pulumi_home_contains_only_the_chosen_provider(layout: Layout, tmp_path: Path) -> None:
    for name in ("one", "another"):
        place(layout, tmp_path / name)
        (folder,) = (layout.pulumi_home / "plugins").iterdir()
        assert not folder.is_symlink(), "Pulumi does not look into a folder that is a link"
        assert folder.name == f"resource-kubernetes-v{provider_release()}"
        assert (folder / PROVIDER).readlink() == tmp_path / name


def test_secrets_in_plain_text_in_the_committed_file_are_refused_and_not_printed(
    layout: Layout,
) -> None:
    commit(layout, {"seawall:secrets": {"provider-alpha": "s3cret"}})
    with pytest.raises(WorkspaceError, match="seawall:secrets has secrets in plain text") as told:
        committed_values(layout)
    assert "s3cret" not in str(told.value)
    encrypted: dict[str, object] = {"seawall:secrets": {"provider-alpha": {"secure": "v1:abc"}}}
    commit(layout, encrypted)
    assert committed_values(layout) == encrypted


def test_unknown_key_beside_config_is_refused(layout: Layout) -> None:
    layout.committed_file.write_text(yaml.safe_dump({"confg": {}}))
    with pytest.raises(WorkspaceError, match=r"test\.yaml: confg is not known"):
        committed_values(layout)
