"""Every dashboard panel gets data from the Prometheus of the running environment."""

import json
from collections.abc import Generator
from urllib.parse import quote

import pytest

from monitoring.dashboards import BOARDS, Board
from monitoring.selectors import scoped
from seawall.common.wait import TimedOutError, wait_until
from tests.cluster.live_environment import constant_load
from tests.conftest import Environment

pytestmark = pytest.mark.cluster

PROXY = "/api/v1/namespaces/seawall/services/prometheus:http/proxy/api/v1/query?query="


def values(environment: Environment, expression: str) -> list[str]:
    """The current values, without NaN, which Grafana does not draw."""
    chosen = scoped(expression, 'namespace="seawall"')
    query = quote(chosen.replace("$__rate_interval", "1m"))
    answer = json.loads(environment.kubectl("get", "--raw", PROXY + query))
    assert answer["status"] == "success"
    return [item["value"][1] for item in answer["data"]["result"] if item["value"][1] != "NaN"]


@pytest.fixture(scope="module")
def under_load(environment: Environment) -> Generator[Environment]:
    """The environment under a small load, which every dashboard needs."""
    with constant_load(environment, rate=5):
        yield environment


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_panel_has_data_under_load(under_load: Environment, board: Board) -> None:
    panels = [panel for row in board.rows for panel in row.panels]
    queries = {(p.title, query.expression) for p in panels for query in p.queries}
    empty_panels: list[str] = []

    def all_panels_have_data() -> bool:
        empty_panels[:] = [
            title for title, expression in queries if not values(under_load, expression)
        ]
        return not empty_panels

    try:
        wait_until(
            all_panels_have_data, deadline_s=90, what="every panel to have data", interval_s=2
        )
    except TimedOutError:
        pytest.fail(f"these panels stay empty: {empty_panels}")


def boards_with_annotations() -> list[Board]:
    return [board for board in BOARDS if board.marks]


@pytest.mark.parametrize("board", boards_with_annotations(), ids=lambda board: board.name)
def test_prometheus_accepts_every_annotation_query(environment: Environment, board: Board) -> None:
    for mark in board.marks:
        values(environment, mark.query.expression)
