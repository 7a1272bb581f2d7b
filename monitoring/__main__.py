"""`python -m monitoring`: print Prometheus' rules, or those of prometheus-adapter.

Both are JSON, which is YAML.
"""

import argparse
import json
import sys

from monitoring.alerts import ALERTS
from monitoring.rules import rule_file
from monitoring.scaling import SIGNALS, adapter_rules
from monitoring.slo import OBJECTIVES

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    alerts = commands.add_parser("alerts", help="a rule file of Prometheus")
    alerts.add_argument("--runbooks", required=True, help="where people read runbooks/: a URL")
    adapter = commands.add_parser("adapter-rules", help="a configuration of prometheus-adapter")
    adapter.add_argument(
        "--window", type=int, default=60, help="seconds over which values are averaged: two scrapes"
    )
    options = parser.parse_args(arguments)
    if options.command == "alerts":
        printed: object = rule_file(ALERTS, OBJECTIVES, runbooks=str(options.runbooks).rstrip("/"))
    else:
        printed = adapter_rules(SIGNALS, window_s=options.window)
    sys.stdout.write(json.dumps(printed, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
