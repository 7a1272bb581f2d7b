"""The choice of the CLI and the provider of a stack."""

from pathlib import Path

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - a type

from seawall.engine.errors import ToolError
from seawall.engine.layout import Layout
from seawall.engine.programs import (
    PROVIDER,
    Programs,
    choose_cli,
    installed_provider,
    provider_release,
    stop_automatic_logs,
)


def executable(folder: Path) -> Path:
    path = folder / "pulumi"
    path.touch(mode=0o755)
    return path


def test_cli_on_path_is_preferred_to_the_built_one(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "built").mkdir()
    on_path, built = executable(tmp_path / "bin"), executable(tmp_path / "built")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert choose_cli(lambda: built) == on_path
    monkeypatch.setenv("PATH", "")
    assert choose_cli(lambda: built) == built


def test_missing_cli_error_names_the_searched_places(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="none on PATH, and none was built at"):
        choose_cli(lambda: tmp_path / "pulumi")


def test_automatic_logs_of_an_earlier_version_are_removed_and_no_new_ones_are_possible(
    tmp_path: Path,
) -> None:
    layout = Layout(tmp_path, tmp_path, "test")
    logs = layout.pulumi_home / "logs"
    logs.mkdir(parents=True)
    (logs / "pulumi-1.log").write_text("secret")
    for _ in range(2):
        stop_automatic_logs(layout)
        assert logs.is_file()
    with pytest.raises(FileExistsError):
        logs.mkdir()


def test_each_program_is_reported_in_one_line() -> None:
    lines = Programs(Path("/x/pulumi"), "3.250.0", Path("/y/provider"), "4.25.0").lines()
    assert lines == [
        "Pulumi CLI: /x/pulumi (3.250.0)",
        "Kubernetes provider: /y/provider (4.25.0)",
    ]


def test_an_installed_plugin_of_the_right_release_is_used(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    right = tmp_path / "plugins" / f"resource-kubernetes-v{provider_release()}" / PROVIDER
    other = tmp_path / "plugins" / "resource-kubernetes-v4.0.0" / PROVIDER
    for program, found in ((other, None), (right, right)):
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        assert installed_provider() == found
