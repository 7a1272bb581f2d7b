"""`make quick ROOM=...` runs the tests that a change of ROOM can affect."""

import pytest

from tests.support.quick import PACKAGES, rooms_touched_by


def test_change_of_service_selects_its_test_folders_and_not_agents() -> None:
    rooms = rooms_touched_by("service")
    assert {"service", "faults", "entrance"} <= set(rooms)
    assert "agents" not in rooms


def test_change_of_an_indirectly_imported_package_is_seen() -> None:
    assert "verify" in rooms_touched_by("seawall")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_selects_some_tests(package: str) -> None:
    assert rooms_touched_by(package)


def test_test_folder_selects_itself() -> None:
    assert rooms_touched_by("kind") == ["kind"]


def test_unknown_room_error_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"ROOM=kitchen is neither .*: agents, cli, "):
        rooms_touched_by("kitchen")
