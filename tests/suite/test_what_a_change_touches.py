"""`make quick ROOM=...` runs the tests that a change of ROOM can break."""

import pytest

from tests.support.quick import PACKAGES, rooms_touched_by


def test_a_change_of_the_gateway_runs_its_tests_and_not_those_of_the_backup() -> None:
    rooms = rooms_touched_by("service")
    assert {"service", "faults", "entrance"} <= set(rooms)
    assert "agents" not in rooms


def test_a_change_of_a_package_that_only_a_helper_imports_is_seen() -> None:
    assert "verify" in rooms_touched_by("seawall")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_touches_some_tests(package: str) -> None:
    assert rooms_touched_by(package)


def test_a_folder_of_tests_is_itself() -> None:
    assert rooms_touched_by("kind") == ["kind"]


def test_another_word_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"ROOM=kitchen is neither .*: agents, cli, "):
        rooms_touched_by("kitchen")
