"""Repeats every row of docs/faults.md."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.cases import CASES, Case
from tests.faults.quirks import QUIRKS, Quirk, Quirks, quirks, quirks_table
from tests.faults.suite import Suite, suite

pytestmark = [pytest.mark.servers]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Suite]:
    with suite(tmp_path_factory.mktemp("faults")) as started:
        yield started


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_clients_see_the_documented_result_of_each_fault(
    running: Suite, case: Case, *, stream: bool
) -> None:
    observed = running.run(case, stream=stream)
    assert observed.seen == observed.promised


def test_faults_page_lists_every_case() -> None:
    first, _ = PAGE.read_text().split("\n## ")
    rows = [line.split("|")[1:5] for line in first.splitlines() if line[:2] == "| "]
    found = [tuple(cell.strip() for cell in row) for row in rows[1:]]
    assert found == [
        (case.title, way, seen.what, str(seen.attempts))
        for case in CASES
        for way, seen in (("plain", case.plain), ("streamed", case.streamed))
    ]


@pytest.fixture(scope="module")
def running_quirks(tmp_path_factory: pytest.TempPathFactory) -> Generator[Quirks]:
    with quirks(tmp_path_factory.mktemp("quirks")) as started:
        yield started


@pytest.mark.parametrize("quirk", QUIRKS, ids=[f"{one.provider}: {one.title}" for one in QUIRKS])
def test_clients_see_the_documented_result_of_each_provider_quirk(
    running_quirks: Quirks, quirk: Quirk
) -> None:
    assert running_quirks.seen(quirk) == quirk.seen


def test_faults_page_lists_every_quirk() -> None:
    assert PAGE.read_text().endswith(quirks_table((one, one.seen) for one in QUIRKS))
