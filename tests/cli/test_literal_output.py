"""Output of models, clusters and Pulumi is printed literally, not as Rich markup."""

from pathlib import Path
from typing import cast

import pytest

from seawall.cli.summary import answer_line, print_preview, print_released
from seawall.cli.tables import print_status
from seawall.engine.programs import Programs
from seawall.engine.update import Step, UpResult
from seawall.ops.deployment import Target
from seawall.ops.environment_metrics import KnownAlert, Monitored, RedisPod
from seawall.ops.release import Released
from seawall.ops.smoke import Answer
from seawall.ops.status import Row, Status

FOREIGN = "[/INST] hello [word] [red]you[/red]"


class FakeEngine:
    """A stub of a stack with only the line about its engine."""

    programs = Programs(Path("/bin/pulumi"), "3", Path("/bin/provider"), "4")


class FakeTarget:
    """A stub of an environment with a cluster."""

    env = "local"
    own = None
    reachable = False
    engine = FakeEngine()
    key_file = Path("/nowhere/api-key")
    kubeconfig = Path("/nowhere/[kubeconfig]")


def update() -> UpResult:
    steps = (Step("update", FOREIGN, ("spec.[word]",)),)
    return UpResult(changes={"update": 1}, outputs={}, steps=steps)


def test_release_output_shows_markup_in_answers_literally(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = Released(
        update=update(),
        answers=[Answer("plain", FOREIGN, "[b]provider", 1.0)],
        gateway_url="http://[::1]",
        admin_urls={},
        images={},
        notes=["note [/b]"],
    )
    print_released(cast("Target", FakeTarget()), done)
    shown = capsys.readouterr().out
    assert f"plain answer from [b]provider in 1 ms: {FOREIGN}\n" in shown
    assert "note [/b]\n" in shown
    assert "http://[::1]/v1" in shown
    assert "/nowhere/[kubeconfig]" in shown


def test_preview_output_shows_markup_in_resources_literally(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_preview(cast("Target", FakeTarget()), update())
    shown = capsys.readouterr().out
    assert "[/INST]" in shown
    assert "spec.[word]" in shown


def test_status_output_shows_markup_literally(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = Row(title="[/a]", ready=1, wanted=2, images=("[/b]",), restarts=0)
    outputs = {"gateway_url": "http://[/c]"}
    monitored = Monitored(
        breakers={"[/e]/m": "open", "f/m": "closed"},
        redis=(
            RedisPod("[/g]", up=True, role="master", link_up=None, lag_s=None),
            RedisPod("h", up=True, role="slave", link_up=True, lag_s=2.0),
        ),
        sentinels=2,
        quorum=False,
        alerts=(KnownAlert("Down", "firing", "page", "[/i] is down", "https://[/j]"),),
        unevaluated=(),
        budget=0.25,
        objective=0.999,
    )
    problem = f"problem {FOREIGN}"
    print_status(Status("local", "[/d]", [row], [problem], outputs, monitored, "", "never yet"))
    shown = capsys.readouterr().out
    for text in ("[/a]", "1/2", "[/b]", "http://[/c]", "local: [/d]", problem):
        assert text in shown
    for text in (
        "[/e]/m open",
        "[/g] master, h slave (linked",
        "2 of unknown answer, NO QUORUM",
        "25.0% left",
    ):
        assert text in shown
    for text in ("page: Down: [/i] is down", "https://[/j]", "last backup: never yet"):
        assert text in shown


def test_status_without_prometheus_reports_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    print_status(Status("dev", "there", [], [], {}, None, "there is no [/k]", "none is configured"))
    assert "not monitored: there is no [/k]" in capsys.readouterr().out


def test_an_answer_is_one_line_without_control_characters() -> None:
    line = answer_line(Answer("plain", "\n a\r\n\tb\x1b[2J c\u2028d ", "p", 2.0))
    assert line == "plain answer from p in 2 ms: a b [2J c d"
