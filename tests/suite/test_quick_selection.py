"""`make quick ROOM=...` runs the tests that a change of ROOM can affect."""

import pytest

from tests.support.quick import PACKAGES, affected_test_folders


def test_change_of_service_selects_its_test_folders_and_not_agents() -> None:
    folders = affected_test_folders("service")
    assert {"service", "faults", "edge"} <= set(folders)
    assert "agents" not in folders


def test_change_of_an_indirectly_imported_package_is_seen() -> None:
    assert "verify" in affected_test_folders("seawall")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_selects_some_tests(package: str) -> None:
    assert affected_test_folders(package)


def test_test_folder_selects_itself() -> None:
    assert affected_test_folders("kind") == ["kind"]


def test_unknown_room_error_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"ROOM=kitchen is neither .*: agents, cli, "):
        affected_test_folders("kitchen")
