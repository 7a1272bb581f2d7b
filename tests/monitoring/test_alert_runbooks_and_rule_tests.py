import json
import subprocess
from pathlib import Path

import pytest

from monitoring.alerts import ALERTS
from monitoring.model import Alert
from monitoring.rules import rule_file
from monitoring.slo import OBJECTIVES

CHECKOUT = Path(__file__).resolve().parents[2]
RULE_TESTS = CHECKOUT / "tests" / "monitoring" / "rules"
NAMES = {alert.name for alert in ALERTS}

SECTIONS = (
    "Meaning",
    "Impact",
    "First 2 minutes",
    "Diagnosis",
    "Mitigation",
    "Verification",
    "Escalation",
)


def test_every_alert_has_one_runbook_and_every_runbook_one_alert() -> None:
    pages = {page.stem for page in (CHECKOUT / "runbooks").glob("*.md")}
    assert pages == NAMES, f"without a runbook: {NAMES - pages}; without an alert: {pages - NAMES}"


def test_every_alert_has_a_fault_in_the_cluster_test() -> None:
    text = (CHECKOUT / "tests" / "cluster" / "test_alerts_reach_people.py").read_text("utf-8")
    without = [alert.name for alert in ALERTS if f'"{alert.name}"' not in text]
    assert without == [], "no fault makes these alerts fire"


def test_every_alert_has_one_rule_test_and_every_rule_test_one_alert() -> None:
    files = {file.stem for file in RULE_TESTS.glob("*.yaml")}
    assert files == NAMES, f"without a test: {NAMES - files}; without an alert: {files - NAMES}"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_runbook_has_every_section_in_order_and_fits_two_screens(alert: Alert) -> None:
    lines = (CHECKOUT / "runbooks" / alert.runbook).read_text().splitlines()
    assert tuple(line[3:] for line in lines if line.startswith("## ")) == SECTIONS
    assert len(lines) <= 80, "a page that is read at night must be short"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_rule_test_covers_a_firing_and_a_silent_alert(alert: Alert) -> None:
    # They run in test_one_environment_of_several.py.
    text = (RULE_TESTS / f"{alert.name}.yaml").read_text()
    assert "exp_alerts: []" in text, "when does it stay quiet?"
    assert "exp_labels:" in text, "when does it fire?"


def test_promtool_lint_accepts_the_rules(tmp_path: Path) -> None:
    rules = rule_file(ALERTS, OBJECTIVES, runbooks="https://runbooks.example", namespace="seawall")
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    checked = subprocess.run(
        ["promtool", "check", "rules", "--lint-fatal", tmp_path / "rules.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_rule_has_for_severity_and_runbook_url() -> None:
    groups = rule_file(
        ALERTS, OBJECTIVES, runbooks="https://runbooks.example", namespace="seawall"
    )["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len(rules) == len(ALERTS)
    for rule in rules:
        assert rule["for"], "a rule without `for` fires on a single lost scrape"
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert rule["annotations"]["runbook_url"].endswith(f"/{rule['alert']}.md")
