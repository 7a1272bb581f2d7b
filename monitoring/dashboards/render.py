"""Dashboards as the JSON that Grafana imports, or that its sidecar finds in a ConfigMap.

Only this module imports Grafana's SDK, which takes half a second.
"""

import json

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    VariableRefresh,
)

from monitoring.dashboards.model import Board, Mark, Panel, Query
from monitoring.selectors import scoped

__all__ = ["rendered"]

_SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
_CHOSEN = 'namespace="$namespace"'
_NAMESPACES = 'label_values(up{job=~"seawall-.+"}, namespace)'
_HEIGHT = 8
_WIDTH = 8
_REFRESH = "30s"


def rendered(board: Board) -> str:
    """The dashboard's JSON; the viewer selects the data source and the environment."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.name)
        .tags(["seawall"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh(_REFRESH)
        .time("now-1h", "now")
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus"))
        .with_variable(_environments())
    )
    for mark in board.marks:
        made.annotation(_annotation(mark))
    for row in board.rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(_number(panel) if panel.number else _curve(panel))
    text = JSONEncoder(sort_keys=True).encode(made.build())
    return json.dumps(json.loads(text), indent=1, sort_keys=True)


def _environments() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("namespace")
        .label("environment")
        .datasource(_SOURCE)
        .query(_NAMESPACES)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .include_all(include_all=False)
    )


def _curve(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.why)
        .unit(panel.unit.value)
        .datasource(_SOURCE)
        .height(_HEIGHT)
        .span(_WIDTH)
        .min(0)
        .legend(legend)
    )
    for place, query in enumerate(panel.queries):
        made.with_target(_target(query, place))
    return made


def _number(panel: Panel) -> stat.Panel:
    made = (
        stat.Panel()
        .title(panel.title)
        .description(panel.why)
        .unit(panel.unit.value)
        .datasource(_SOURCE)
        .height(_HEIGHT)
        .span(_WIDTH)
    )
    for place, query in enumerate(panel.queries):
        made.with_target(_target(query, place).instant())
    return made


def _target(query: Query, place: int) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(scoped(query.expression, _CHOSEN))
        .legend_format(query.legend)
        .ref_id(chr(ord("A") + place))
        .datasource(_SOURCE)
    )


def _annotation(mark: Mark) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(mark.title)
        .datasource(_SOURCE)
        .enable(enable=True)
        .icon_color("red")
        .expr(scoped(mark.query.expression, _CHOSEN))
    )
