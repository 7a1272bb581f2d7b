"""A Prometheus that several environments share: alerts fire only for their own environment.

Each rule test runs unchanged for the namespace `dev`. Two other environments share its Prometheus:
a healthy one, and one in which everything is broken.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.alerts import ALERTS
from monitoring.dashboards import BOARDS
from monitoring.dashboards.render import rendered
from monitoring.model import Alert
from monitoring.rules import Group, RuleFile, rule_file
from monitoring.slo import OBJECTIVES

pytestmark = [pytest.mark.servers]

CHECKOUT = Path(__file__).resolve().parents[2]
RULE_TESTS = CHECKOUT / "tests" / "monitoring" / "rules"
ENVIRONMENT = "dev"
STEADY, GROWING, ZERO = "1x2000", "0+600x2000", "0x2000"
GATEWAY = 'job="seawall-gateway",pod="z"'
ATTEMPTS = f'seawall_provider_attempts_total{{{GATEWAY},provider="alpha",outcome="%s"}}'
BREAKER = f'seawall_breaker_state{{{GATEWAY},provider="alpha",model="small"}}'
REQUESTS = f'seawall_requests_total{{{GATEWAY},status="%s"}}'
PROBE = 'probe_success{job="seawall-outside",instance="gateway"}'
MASTER = 'redis_instance_info{job="seawall-redis",instance="redis-%d",role="master"}'
QUORUM = (
    'redis_sentinel_master_ckquorum_status{job="seawall-sentinel",instance="redis-0",'
    'master_name="seawall",message="told"}'
)
NAMED = (
    'redis_sentinel_master_status{job="seawall-sentinel",instance="redis-0",'
    'master_name="seawall",master_address="redis-%d:6379",master_status="ok"}'
)
WELL = {
    f"up{{{GATEWAY}}}": STEADY,
    REQUESTS % 200: GROWING,
    ATTEMPTS % "ok": GROWING,
    BREAKER: ZERO,
    PROBE: STEADY,
    MASTER % 0: STEADY,
    QUORUM: STEADY,
    NAMED % 0: STEADY,
}
BROKEN = {
    f"up{{{GATEWAY}}}": ZERO,
    REQUESTS % 500: GROWING,
    ATTEMPTS % "reset": GROWING,
    BREAKER: "2x2000",
    PROBE: ZERO,
    MASTER % 0: STEADY,
    MASTER % 1: STEADY,
    QUORUM: ZERO,
    NAMED % 0: "1x20 stale",
    NAMED % 1: "_x20 1x2000",
}
OTHERS = {"staging": WELL, "test": BROKEN}


def within(series: str, namespace: str) -> str:
    return f'{series.removesuffix("}")},namespace="{namespace}"}}'


def with_other_environments(test: dict[str, Any]) -> dict[str, Any]:
    """The rule test in one namespace, plus the series of other environments in theirs."""
    ours = [
        {**item, "series": within(item["series"], ENVIRONMENT)} for item in test["input_series"]
    ]
    theirs = [
        {"series": within(name, namespace), "values": text}
        for namespace, other in OTHERS.items()
        for name, text in other.items()
    ]
    asked = [
        {
            **item,
            "exp_alerts": [
                {**alert, "exp_labels": {**alert["exp_labels"], "namespace": ENVIRONMENT}}
                for alert in item["exp_alerts"]
            ],
        }
        for item in test["alert_rule_test"]
    ]
    return {**test, "input_series": ours + theirs, "alert_rule_test": asked}


def asked_for(rules: RuleFile, tests: list[dict[str, Any]]) -> RuleFile:
    """The tested alerts, and the recorded series that they build on.

    Prometheus would take seconds to evaluate all rules.
    """
    names = {item["alertname"] for test in tests for item in test["alert_rule_test"]}
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    kept = [rule for rule in every if rule.get("alert") in names]
    assert names == {rule.get("alert") for rule in kept}
    for rule in kept:  # the list grows in the loop
        kept += [one for one in every if one.get("record", "?") in rule["expr"] and one not in kept]
    groups: list[Group] = [
        {"name": group["name"], "rules": [rule for rule in group["rules"] if rule in kept]}
        for group in rules["groups"]
    ]
    return {"groups": [group for group in groups if group["rules"]]}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alerts_fire_only_for_their_own_environment(alert: Alert, tmp_path: Path) -> None:
    rules = rule_file(
        ALERTS, OBJECTIVES, runbooks="https://runbooks.example", namespace=ENVIRONMENT
    )
    # Parse all values as text: 0x40 is not a number here, but a zero and forty more zeros.
    text = (RULE_TESTS / f"{alert.name}.yaml").read_text()
    written = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
    assert written["tests"]
    written["tests"] = [with_other_environments(test) for test in written["tests"]]
    (tmp_path / "rules.json").write_text(json.dumps(asked_for(rules, written["tests"])))
    file = tmp_path / "test.json"
    file.write_text(json.dumps(written))
    done = subprocess.run(
        ["promtool", "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_recorded_series_of_two_environments_are_separate() -> None:
    def recorded(namespace: str) -> set[tuple[str, str]]:
        groups = rule_file((), OBJECTIVES, runbooks="x", namespace=namespace)["groups"]
        rules = [rule for group in groups for rule in group["rules"] if "record" in rule]
        assert rules
        return {(rule["record"], json.dumps(rule["labels"])) for rule in rules}

    assert not recorded("dev") & recorded("staging")


def test_dashboards_select_one_environment_by_namespace() -> None:
    for board in BOARDS:
        made = json.loads(rendered(board))
        (chosen,) = [one for one in made["templating"]["list"] if one["name"] == "namespace"]
        assert chosen["includeAll"] is False, "two environments' masters are two masters"
        drawn = [target["expr"] for panel in made["panels"] for target in panel.get("targets", [])]
        assert drawn
        for expression in drawn:
            selectors = expression.count("job=") + expression.count("slo=")
            assert selectors
            assert expression.count(',namespace="$namespace"') == selectors


def test_alerts_command_prints_the_rules_of_one_environment() -> None:
    def printed(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "monitoring", "alerts", "--runbooks", "https://r.example"]
        return subprocess.run(
            [*command, *words], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )

    wanted = rule_file(ALERTS, OBJECTIVES, runbooks="https://r.example", namespace="dev")
    assert json.loads(printed("--namespace", "dev").stdout) == wanted
    refused = printed("--namespace", 'dev"} or vector(1')
    assert refused.returncode == 2
    assert "is not the name of a namespace" in refused.stderr
