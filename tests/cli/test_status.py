"""`seawall status` with a real Prometheus: green means known and healthy."""

import dataclasses
import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import yaml
from rich.text import Text

from monitoring.alerts import ALERTS
from monitoring.rules import rule_file
from monitoring.slo import OBJECTIVES
from seawall.cli.tables import monitored_lines
from seawall.common.wait import wait_until
from seawall.kube.kubectl import Kubectl
from seawall.ops.deployment import target_of
from seawall.ops.environment_metrics import KnownAlert, Monitored, RedisPod, monitored_by_prometheus
from seawall.ops.prometheus import Place
from seawall.ops.status import monitored_of
from seawall.testbed.kit import Kit, kit_here
from tests.cli.prometheus_kit import running, serving

pytestmark = [pytest.mark.servers]

Rule = dict[str, object]
OF_REDIS, OF_SENTINEL = {"job": "seawall-redis"}, {"job": "seawall-sentinel"}
MASTER = RedisPod("redis-0", up=True, role="master", link_up=None, lag_s=None)
REPLICA = RedisPod("redis-1", up=True, role="slave", link_up=True, lag_s=2.0)
WELL = Monitored(
    breakers={"alpha/small": "closed"},
    redis=(MASTER, REPLICA, dataclasses.replace(REPLICA, pod="redis-2")),
    sentinels=3,
    quorum=True,
    alerts=(),
    unevaluated=(),
    budget=0.5,
    objective=0.999,
)


def series(name: str, value: float, **labels: str) -> Rule:
    """A recording rule that creates a series."""
    return {
        "record": name,
        "expr": f"vector({float(value)})",
        "labels": {"namespace": "night", **labels},
    }


def whole() -> list[Rule]:
    """The series of a healthy environment; only two of the sentinels see the quorum."""
    return [
        series("up", 1, job="seawall-gateway"),
        series("seawall_breaker_state", 0, job="seawall-gateway", provider="alpha", model="small"),
        *(series("redis_up", 1, instance=f"redis-{n}", **OF_REDIS) for n in range(3)),
        series("redis_instance_info", 1, instance="redis-0", role="master", **OF_REDIS),
        *replica("redis-1"),
        *replica("redis-2"),
        *(series("redis_up", 1, instance=f"redis-{n}", **OF_SENTINEL) for n in range(3)),
        *(
            series(
                "redis_sentinel_master_ckquorum_status", n > 0, instance=f"redis-{n}", **OF_SENTINEL
            )
            for n in range(3)
        ),
    ]


def replica(pod: str, *, link: int = 1) -> list[Rule]:
    labels = {"instance": pod, **OF_REDIS}
    made = [
        series("redis_instance_info", 1, role="slave", **labels),
        series("redis_master_link_up", link, **labels),
    ]
    if link:
        # The master reports this series.
        told = {"instance": "redis-0", "slave_ip": f"{pod}.night.svc", **OF_REDIS}
        made.append(series("redis_connected_slave_lag_seconds", 2, **told))
    return made


@contextmanager
def asked(
    tmp_path: Path,
    made: list[Rule],
    *,
    kits: bool = True,
    broken: str = "",
    rules_of: str = "night",
    watches: str = "night",
) -> Generator[Callable[[], Monitored]]:
    """Run a Prometheus with these series and the bundled rules, of which one may be broken."""
    rules: list[dict[str, object]] = []
    if kits:
        text = json.dumps(
            rule_file(ALERTS, OBJECTIVES, runbooks="https://pages", namespace=rules_of)
        )
        rules = json.loads(text)["groups"]
        for rule in (rule for group in rules for rule in cast("list[Rule]", group["rules"])):
            if broken in (rule.get("alert"), rule.get("record")):
                rule["expr"] = "redis_up * on() group_left redis_up"
    groups = [{"name": "made", "rules": made}, *rules]
    with running(tmp_path / "prometheus", {"groups": groups}) as url, serving(url) as server:
        kubeconfig = tmp_path / "kubeconfig"
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server.url}}],
            "users": [{"name": "u"}],
        }
        kubeconfig.write_text(yaml.safe_dump(document))
        kubectl = Kubectl(Path("kubectl"), kubeconfig)
        yield lambda: monitored_by_prometheus(kubectl, Place("night", watches=watches))


def test_status_of_a_complete_environment_is_fully_known(tmp_path: Path) -> None:
    with asked(tmp_path, whole()) as monitored:
        # There were no requests, so there is no error budget.
        expected = dataclasses.replace(WELL, budget=None)
        wait_until(lambda: monitored() == expected, deadline_s=30, what="all to be known")


def test_status_without_series_is_unknown_and_alerts_are_pending(tmp_path: Path) -> None:
    """The same happens while scrapes are blocked."""
    with asked(tmp_path, [series("other", 1)]) as monitored:
        found = wait_until(
            lambda: known if (known := monitored()).unevaluated == () else None,
            deadline_s=60,
            what="the rules to be evaluated",
        )
    assert (found.breakers, found.redis, found.sentinels, found.quorum) == (None,) * 4
    down = next(alert for alert in found.alerts or () if alert.name == "GatewayDown")
    assert (down.state, down.severity) == ("pending", "page")
    assert down.runbook == "https://pages/GatewayDown.md"
    text = json.dumps(found.as_json())
    for unknown in ("breakers", "redis", "sentinels", "quorum", "budget"):
        assert f'"{unknown}": null' in text


def test_alerts_are_unknown_without_the_bundled_rules(tmp_path: Path) -> None:
    with asked(tmp_path, whole(), kits=False) as monitored:
        found = monitored()
    assert found.alerts is None
    assert found.unevaluated == tuple(alert.name for alert in ALERTS)


@pytest.mark.parametrize(
    ("broken", "unknown"),
    [
        ("RedisNoMaster", ("RedisNoMaster",)),
        (
            "slo:sli_total:rate5m",
            ("GatewayAvailabilityBurnFast", "GatewayAvailabilityBurnSlow"),
        ),
    ],
)
def test_an_alert_whose_evaluation_fails_is_unknown(
    tmp_path: Path, broken: str, unknown: tuple[str, ...]
) -> None:
    with asked(tmp_path, whole(), broken=broken) as monitored:
        wait_until(
            lambda: monitored().unevaluated == unknown, deadline_s=60, what="these to be unknown"
        )


def test_series_of_another_environment_are_ignored(tmp_path: Path) -> None:
    with asked(tmp_path, whole(), rules_of="day", watches="day") as monitored:
        found = wait_until(
            lambda: known if (known := monitored()).unevaluated == () else None,
            deadline_s=60,
            what="the rules to be evaluated",
        )
    assert found.redis is None, "none of the series is of this namespace"


def test_rules_of_another_environment_are_ignored(tmp_path: Path) -> None:
    with asked(tmp_path, whole(), rules_of="day") as monitored:
        found = wait_until(
            lambda: known if (known := monitored()).redis else None,
            deadline_s=60,
            what="the series to be known",
        )
    assert found.alerts is None
    assert len(found.unevaluated) == len(ALERTS)


def test_status_shows_unreachable_and_unlinked_redis_pods(tmp_path: Path) -> None:
    made = [
        *(series("redis_up", n != 2, instance=f"redis-{n}", **OF_REDIS) for n in range(3)),
        series("redis_instance_info", 1, instance="redis-0", role="master", **OF_REDIS),
        *replica("redis-1", link=0),
    ]
    expected = (
        MASTER,
        RedisPod("redis-1", up=True, role="slave", link_up=False, lag_s=None),
        RedisPod("redis-2", up=False, role=None, link_up=None, lag_s=None),
    )
    with asked(tmp_path, made) as monitored:
        wait_until(lambda: monitored().redis == expected, deadline_s=30, what="Redis to be known")


def lines(monitored: Monitored, redis_pods: int | None = 3) -> dict[str, Text]:
    """The status lines by their first word."""
    return {
        line.plain.split()[0].rstrip(":"): line for line in monitored_lines(monitored, redis_pods)
    }


def test_healthy_status_lines_are_green() -> None:
    told = lines(WELL)
    linked = "(linked to its master, lag 2 s)"
    assert {str(line.style) for line in told.values()} == {"green"}
    assert [line.plain for line in told.values()] == [
        "breakers: all 1 closed",
        f"redis: 3 of 3 answer: redis-0 master, redis-1 slave {linked}, redis-2 slave {linked}",
        "sentinels: 3 of 3 answer, quorum",
        "error budget of 99.9% in 30 days: 50.0% left",
        "no alert fires",
    ]


def cases() -> Iterator[tuple[Monitored, str, str, str]]:
    def but(**changed: object) -> Monitored:
        return dataclasses.replace(WELL, **changed)  # pyright: ignore[reportArgumentType]

    def redis(**changed: object) -> Monitored:
        odd = dataclasses.replace(REPLICA, **changed)  # pyright: ignore[reportArgumentType]
        return but(redis=(MASTER, REPLICA, odd))

    pending = KnownAlert("GatewayDown", "pending", "page", "no pod", "https://page")
    yield but(breakers=None), "breakers", "breakers: unknown", "yellow"
    yield but(breakers={"a/b": "open"}), "breakers", "breakers: a/b open", "red"
    yield but(redis=None), "redis", "redis: unknown", "yellow"
    yield but(redis=WELL.redis[:2] if WELL.redis else None), "redis", "redis: 2 of 3 answer", "red"
    yield redis(up=False, role=None, link_up=None), "redis", "redis-1 does not answer", "red"
    yield redis(link_up=False), "redis", "redis-1 slave (LINK TO ITS MASTER DOWN)", "red"
    yield redis(link_up=None), "redis", "redis-1 slave (link to its master unknown)", "yellow"
    yield redis(role="master"), "redis", "redis-1 master", "red"
    yield but(sentinels=None), "sentinels", "sentinels: unknown, quorum", "yellow"
    yield but(sentinels=2), "sentinels", "sentinels: 2 of 3 answer, quorum", "red"
    yield but(quorum=None), "sentinels", "quorum unknown", "yellow"
    yield but(quorum=False), "sentinels", "NO QUORUM", "red"
    yield but(budget=None), "error", "unknown: no request was counted", "yellow"
    yield but(budget=-0.5), "error", "30 days: 1.5 times used up", "red"
    yield but(alerts=None), "alerts", "alerts: unknown", "yellow"
    yield but(unevaluated=("RedisNoMaster",)), "alerts", "last minute: RedisNoMaster", "yellow"
    yield but(alerts=(pending,)), "page", "page: GatewayDown (pending): no pod", "yellow"
    yield but(alerts=(pending,)), "no", "no alert fires", "yellow"


@pytest.mark.parametrize(("monitored", "first", "words", "color"), list(cases()))
def test_unknown_status_lines_are_yellow_and_problems_are_red(
    monitored: Monitored, first: str, words: str, color: str
) -> None:
    line = lines(monitored)[first]
    assert words in line.plain
    assert line.style == color


def test_redis_lines_are_yellow_without_the_expected_pod_count() -> None:
    told = lines(WELL, None)
    assert (told["redis"].style, told["sentinels"].style) == ("yellow", "yellow")
    assert "3 of unknown answer" in told["redis"].plain


@pytest.mark.parametrize(
    ("kubectl", "said"),
    [
        (
            "echo 'Error from server: no rights' >&2; exit 1",
            "Prometheus cannot be asked: kubectl -n night get: Error from server: no rights",
        ),
        ("exit 0", "there is no Service prometheus in the namespace night"),
        (
            'case "$*" in *service*) echo service/prometheus;; *) echo no way; exit 1;; esac',
            "Prometheus cannot be asked: kubectl proxy: no way",
        ),
    ],
)
def test_status_reports_why_prometheus_cannot_be_reached(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    kubectl: str,
    said: str,
) -> None:
    del variables
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").write_text(f"#!/bin/sh\n{kubectl}\n")
    (programs / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    file = checkout / "Pulumi.qa.yaml"
    file.write_text(file.read_text().replace("namespace: seawall", "namespace: night"))
    kit: Kit = dataclasses.replace(kit_here(), checkout=checkout)
    assert monitored_of(target_of(kit, "qa")) == (None, said)
