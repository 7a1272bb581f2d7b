"""`python -m monitoring --runbooks URL`: print the Prometheus rule file (JSON, which is YAML)."""

import argparse
import json
import sys

from monitoring.alerts import ALERTS
from monitoring.rules import rule_file

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Print the rules."""
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    parser.add_argument("--runbooks", required=True, help="where people read runbooks/: a URL")
    options = parser.parse_args(arguments)
    rules = rule_file(ALERTS, runbooks=str(options.runbooks).rstrip("/"))
    sys.stdout.write(json.dumps(rules, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
