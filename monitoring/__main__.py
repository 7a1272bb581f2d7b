"""`python -m monitoring`: print rules of Prometheus or prometheus-adapter, or write dashboards.

All are JSON, which is YAML.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from monitoring.alerts import ALERTS
from monitoring.dashboards import BOARDS
from monitoring.rules import rule_file
from monitoring.scaling import SIGNALS, adapter_rules
from monitoring.slo import OBJECTIVES

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Print or write the requested files."""
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    alerts = commands.add_parser("alerts", help="a rule file of Prometheus")
    alerts.add_argument("--runbooks", required=True, help="URL of the folder runbooks/")
    alerts.add_argument(
        "--namespace", required=True, type=_namespace, help="namespace of the environment"
    )
    adapter = commands.add_parser("adapter-rules", help="a configuration of prometheus-adapter")
    adapter.add_argument(
        "--window",
        type=int,
        default=60,
        help="seconds over which values are averaged: at least two scrapes",
    )
    boards = commands.add_parser("dashboards", help="one JSON file per dashboard, for Grafana")
    boards.add_argument("--out", required=True, type=Path, help="the folder to write to")
    options = parser.parse_args(arguments)
    if options.command == "dashboards":
        _write_dashboards(options.out)
        return
    if options.command == "alerts":
        printed: object = rule_file(
            ALERTS,
            OBJECTIVES,
            runbooks=str(options.runbooks).rstrip("/"),
            namespace=options.namespace,
        )
    else:
        printed = adapter_rules(SIGNALS, window_s=options.window)
    sys.stdout.write(json.dumps(printed, indent=2) + "\n")


def _namespace(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the name of a namespace: a DNS label, such as seawall-dev"
        )
    return text


def _write_dashboards(folder: Path) -> None:
    # Not at the top: Grafana's SDK takes half a second to import.
    from monitoring.dashboards.render import rendered  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        (folder / f"{board.name}.json").write_text(rendered(board) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
