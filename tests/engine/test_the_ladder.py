"""Which CLI and which provider a stack uses, and that a stack keeps its provider."""

from pathlib import Path

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - a type

from seawall.engine.errors import ToolError
from seawall.engine.ladder import Provider, Rung, choose_cli, choose_provider


def choose(
    *, official: bool = False, own_cluster: bool = True, before: Provider | None = None
) -> Provider:
    return choose_provider(official=official, own_cluster=own_cluster, before=before, env="test")


def executable(folder: Path) -> Path:
    path = folder / "pulumi"
    path.touch(mode=0o755)
    return path


def test_the_official_provider_comes_first() -> None:
    assert choose(official=True) is Provider.OFFICIAL


def test_the_stand_in_serves_the_kits_own_clusters_without_the_plugin() -> None:
    assert choose() is Provider.STAND_IN


def test_the_stand_in_serves_no_other_cluster() -> None:
    with pytest.raises(ToolError, match="serves the kit's own clusters only"):
        choose(own_cluster=False)


def test_a_stack_keeps_its_provider_when_a_better_one_appears() -> None:
    assert choose(official=True, before=Provider.STAND_IN) is Provider.STAND_IN


def test_a_stack_of_the_official_provider_is_not_given_to_the_stand_in() -> None:
    with pytest.raises(ToolError, match="stack test was made with the official") as caught:
        choose(before=Provider.OFFICIAL)
    assert "\n" not in str(caught.value)


def test_a_stack_of_the_stand_in_does_not_leave_the_kits_own_clusters() -> None:
    with pytest.raises(ToolError, match="made with the stand-in"):
        choose(official=True, own_cluster=False, before=Provider.STAND_IN)


def test_the_cli_on_the_path_comes_before_the_built_one(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "built").mkdir()
    on_path, built = executable(tmp_path / "bin"), executable(tmp_path / "built")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert choose_cli(built) == on_path
    monkeypatch.setenv("PATH", "")
    assert choose_cli(built) == built


def test_without_any_cli_the_message_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="none on PATH, and none was built at"):
        choose_cli(tmp_path / "pulumi")


def test_each_ladder_is_reported_in_one_line() -> None:
    lines = Rung(Provider.STAND_IN, Path("/x/pulumi"), "3.250.0").lines()
    assert lines == [
        "Pulumi CLI: /x/pulumi (3.250.0)",
        "Kubernetes provider: the stand-in of this kit (no official plugin is installed)",
    ]
