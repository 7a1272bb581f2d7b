import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract import metrics
from monitoring.dashboards import BOARDS, Board, Query
from monitoring.selectors import scoped
from monitoring.slo import OBJECTIVES

CHECKOUT = Path(__file__).resolve().parents[2]
ONE_BOARD = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
RECORDED = {name for slo in OBJECTIVES for name in slo.records()}
OWN = {str(getattr(metrics, name)) for name in metrics.__all__} - {metrics.GATEWAY_JOB}
FOREIGN = re.compile(r"\b(?:redis|probe)_[a-z_]+\b")
NAMED_OURS = re.compile(r"\bseawall_[a-z_]+\b")


def as_prometheus_reads_it(query: Query) -> str:
    return chosen(query).replace("$__rate_interval", "1m")


def chosen(query: Query) -> str:
    return scoped(query.expression, 'namespace="$namespace"')


@ONE_BOARD
def test_promtool_parses_every_expression(board: Board, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{place}", "expr": as_prometheus_reads_it(query)}
        for place, (_, query) in enumerate(board.queries())
    ]
    assert len(rules) >= 10
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@ONE_BOARD
def test_every_dashboard_expression_reads_a_known_metric(board: Board) -> None:
    for title, query in board.queries():
        recorded = {name for name in RECORDED if name in query.expression}
        bases = {
            name.removesuffix("_bucket") for name in NAMED_OURS.findall(query.expression)
        } & OWN
        # Cluster tests compare metrics of other exporters with the exporters' output.
        assert recorded or bases or FOREIGN.search(query.expression), f"{title}: reads nothing"
        unknown = {n.removesuffix("_bucket") for n in NAMED_OURS.findall(query.expression)} - OWN
        assert not unknown, f"{title}: the gateway does not emit {unknown}"


def test_every_gateway_metric_is_on_a_dashboard() -> None:
    text = " ".join(query.expression for board in BOARDS for _, query in board.queries())
    assert [name for name in sorted(OWN) if name not in text] == []


def test_dashboards_command_writes_grafana_json(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    subprocess.run(
        [sys.executable, "-m", "monitoring", "dashboards", "--out", folder],
        cwd=CHECKOUT,
        check=True,
    )
    assert sorted(file.stem for file in folder.iterdir()) == sorted(b.name for b in BOARDS)
    for board in BOARDS:
        made = json.loads((folder / f"{board.name}.json").read_text())
        assert (made["uid"], made["title"]) == (board.name, board.title)
        drawn = [panel for panel in made["panels"] if panel["type"] != "row"]
        assert len(drawn) == sum(len(row.panels) for row in board.rows)
        panels = [panel for row in board.rows for panel in row.panels]
        wanted = [chosen(query) for panel in panels for query in panel.queries]
        assert [t["expr"] for panel in drawn for t in panel["targets"]] == wanted
        marks = made["annotations"].get("list", [])
        assert [mark["expr"] for mark in marks] == [chosen(m.query) for m in board.marks]
        places = [tuple(panel["gridPos"][key] for key in "xy") for panel in made["panels"]]
        assert len(set(places)) == len(places), "two panels lie on each other"


def test_redis_dashboard_has_a_failover_annotation() -> None:
    (redis,) = [board for board in BOARDS if board.name == "seawall-redis"]
    assert [mark.title for mark in redis.marks] == ["Failover"]
