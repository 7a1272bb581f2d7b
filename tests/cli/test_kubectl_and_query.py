"""SEAWALL_ENV selects the cluster and the Prometheus for the commands of a runbook.

The stub API server has a real Prometheus behind it. Tests that talk to it use the real kubectl;
other tests use a stub that records its arguments.
"""

import json
import os
import pty
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import urllib3
import yaml

from seawall.common.wait import wait_until
from tests.cli.kit import run
from tests.cli.prometheus_kit import running, serving

pytestmark = [pytest.mark.servers]

RULES = {
    "groups": [
        {
            "name": "known",
            "rules": [
                {"record": "known", "expr": "vector(3)", "labels": {"of": "a b", "odd": "\x1b[2J"}},
                {"record": "known", "expr": "vector(4)", "labels": {"of": 'c"d'}},
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The URL of a real Prometheus with two series."""
    with running(tmp_path_factory.mktemp("prometheus"), RULES) as url:
        wait_until(lambda: knows_both(url), deadline_s=60, what="two series")
        yield url


def knows_both(url: str) -> bool:
    answer = urllib3.request("GET", f"{url}/api/v1/query?query=known", retries=False)
    return len(answer.json()["data"]["result"]) == 2


@pytest.fixture(autouse=True)
def state(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A separate state folder, and no selected environment."""
    del variables
    monkeypatch.delenv("SEAWALL_ENV", raising=False)


Change = Callable[[str, object], None]


@pytest.fixture
def change(checkout: Path) -> Change:
    """A function that sets a section of the environment `qa`."""

    def to(section: str, value: object) -> None:
        file = checkout / "Pulumi.qa.yaml"
        document = yaml.safe_load(file.read_text())
        document["config"][section] = value
        file.write_text(yaml.safe_dump(document))

    return to


@pytest.fixture
def reaching(tmp_path: Path, change: Change) -> Callable[[str], None]:
    """A function that puts `qa` into the namespace `night` of the API server at a URL."""

    def to(url: str) -> None:
        contexts: dict[str, object] = {
            "current-context": "day",
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": "me"}}
                for name in ("day", "shift")
            ],
            "clusters": [
                {"name": "day", "cluster": {"server": "http://127.0.0.1:9"}},
                {"name": "shift", "cluster": {"server": url}},
            ],
            "users": [{"name": "me"}],
        }
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **contexts}))
        place = {"kubeconfig": str(kubeconfig), "context": "shift", "namespace": "night"}
        change("seawall:kubernetes", {"cluster": "existing", **place})

    return to


@pytest.fixture
def asked(prometheus: str, reaching: Callable[[str], None]) -> Generator[None]:
    """Connect `qa` to the Prometheus."""
    with serving(prometheus) as server:
        reaching(server.url)
        yield


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the recorded arguments of kubectl, one a line."""
    programs = tmp_path / "bin"
    programs.mkdir()
    calls = tmp_path / "calls"
    (programs / "kubectl").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"{calls}"\n')
    (programs / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return calls


def query(checkout: Path, *arguments: str, env: str = "qa") -> subprocess.CompletedProcess[str]:
    return run("query", *arguments, checkout=checkout, variables={"SEAWALL_ENV": env})


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("seawall: ").rstrip("\n")


def test_kubectl_is_called_with_the_environments_cluster_and_namespace(
    checkout: Path, tmp_path: Path, reaching: Callable[[str], None], noted: Path
) -> None:
    reaching("http://127.0.0.1:9")
    own = ("exec", "pod/a", "-n", "other", "--", "ls", "-n", "--help")
    done = run("kubectl", *own, checkout=checkout, variables={"SEAWALL_ENV": "qa"})
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nobody looks on: it may be a script"
    assert noted.read_text().splitlines() == [
        f"--kubeconfig={tmp_path / 'kubeconfig'}",
        "--context=shift",
        "--namespace=night",
        *own,
    ]


def test_explicit_namespace_overrides_the_environments(
    checkout: Path, reaching: Callable[[str], None]
) -> None:
    """Uses the real kubectl, because the precedence is kubectl's."""
    reaching("http://127.0.0.1:9")
    words = ("create", "configmap", "x", "--dry-run=client", "--output=jsonpath={..namespace}")
    for more, namespace in ((), "night"), (("-n", "other"), "other"):
        done = run("kubectl", *words, *more, checkout=checkout, variables={"SEAWALL_ENV": "qa"})
        assert (done.stdout, done.returncode) == (namespace, 0), done.stderr


@pytest.mark.parametrize("command", ["kubectl", "query"])
def test_terminal_shows_which_cluster_is_asked(
    checkout: Path, tmp_path: Path, asked: None, command: str
) -> None:
    del asked
    ours, theirs = pty.openpty()
    words = {"kubectl": ("config", "current-context"), "query": ("known",)}[command]
    variables = {"SEAWALL_ENV": "qa"}
    done = run(command, *words, checkout=checkout, stderr=theirs, variables=variables)
    os.close(theirs)
    assert done.returncode == 0
    said = os.read(ours, 4096).decode().splitlines()
    os.close(ours)
    assert said == [f"asking qa: context shift of {tmp_path / 'kubeconfig'}"]


@pytest.mark.parametrize("command", [("kubectl", "get", "pods"), ("query", "up")])
def test_unknown_environment_error_lists_the_existing_ones(
    checkout: Path, command: tuple[str, ...]
) -> None:
    done = run(*command, checkout=checkout, variables={"SEAWALL_ENV": "qaa"})
    told = one_line(done, 2)
    assert told.startswith("there is no environment 'qaa'")
    assert told.endswith("there are: qa")


def test_query_prints_one_line_per_series(checkout: Path, asked: None) -> None:
    del asked
    done = query(checkout, 'known{of=~"a b|c.d"} * 2')
    assert done.returncode == 0, done.stderr
    assert done.stdout == '{odd="\\u001b[2J",of="a b"} 6\n{of="c\\"d"} 8\n'
    assert query(checkout, "known{odd=''}").stdout == 'known{of="c\\"d"} 4\n'
    assert query(checkout, "known + on() 1 == bool 4 & 1").returncode == 2, "& is quoted"
    assert query(checkout, "sum(known) % 4").stdout == "{} 3\n", "% is quoted"
    assert query(checkout, "vector(1+1)").stdout == "{} 2\n", "+ is quoted"
    assert query(checkout, "scalar(sum(known))").stdout == "7\n"
    over_time = query(checkout, 'known{of="a b"}[1h]').stdout
    assert over_time.startswith('known{odd="\\u001b[2J",of="a b"} 3@'), over_time


def test_query_without_a_result_prints_no_series(checkout: Path, asked: None) -> None:
    del asked
    done = query(checkout, 'known{of="nobody"}')
    assert (done.returncode, done.stdout) == (0, "no series\n")


def test_query_json_is_the_raw_prometheus_response(checkout: Path, asked: None) -> None:
    del asked
    done = query(checkout, "--json", "known")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == "success"
    assert answer["data"]["resultType"] == "vector"
    assert {item["value"][1] for item in answer["data"]["result"]} == {"3", "4"}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("sum(known", "unclosed left parenthesis"),
        ("known * on() group_left known", "multiple matches|found duplicate series"),
    ],
)
def test_refused_query_exits_with_2_and_the_prometheus_error(
    checkout: Path, asked: None, wrong: str, why: str
) -> None:
    del asked
    told = one_line(query(checkout, wrong), 2)
    assert told.startswith(f"Prometheus refuses the query {wrong}: ")
    assert any(words in told for words in why.split("|")), told


def test_query_without_a_prometheus_service_exits_with_1(
    checkout: Path, reaching: Callable[[str], None]
) -> None:
    with serving("http://127.0.0.1:9") as server:
        reaching(server.url)
        document = (checkout / "Pulumi.qa.yaml").read_text()
        (checkout / "Pulumi.qa.yaml").write_text(document.replace(": night", ": day"))
        told = one_line(query(checkout, "up"), 1)
    assert told == 'Prometheus does not answer: services "prometheus" not found'


def test_query_on_an_unreachable_cluster_exits_with_1(
    checkout: Path, reaching: Callable[[str], None]
) -> None:
    reaching("http://127.0.0.1:9")
    assert "refused" in one_line(query(checkout, "up"), 1)


@pytest.mark.parametrize(
    ("monitoring", "said"),
    [
        (
            {"kind": "operator", "labels": {"release": "monitoring"}},
            "with seawall:monitoring.kind: operator the kit has no",
        ),
        (None, "without seawall:monitoring the kit has no Prometheus"),
    ],
)
def test_query_without_a_bundled_prometheus_names_the_alternative(
    checkout: Path, asked: None, change: Change, monitoring: object, said: str
) -> None:
    del asked
    change("seawall:monitoring", monitoring)
    told = one_line(query(checkout, "up"), 2)
    assert told.startswith(f"qa: {said}")
    assert 'namespace="night"' in told


def test_query_leaves_no_files_and_no_processes(
    checkout: Path, asked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del asked
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    assert query(checkout, "known").returncode == 0
    assert list(folder.iterdir()) == []
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(folder) not in listed.stdout
