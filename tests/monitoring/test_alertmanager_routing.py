"""The real Alertmanager with the bundled configuration, and the simulated receiver."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import urllib3

from infra.config import Alertmanager, BlackboxProbe, Front
from infra.workloads.alertmanager_config import alertmanager_file
from infra.workloads.blackbox_probe import probe_modules
from monitoring.alerts import SILENCES
from seawall.common.wait import wait_until
from seawall.testbed.kit import kit_here
from tests.edge.kit import issue
from tests.egress_proxy import way_out
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

TOLD = Alertmanager.model_validate_json(
    json.dumps({"page": "webhook", "ticket": "webhook", "group_wait": "1s", "group_interval": "1s"})
)
TRIED = Alertmanager.model_validate(
    {"page": "simulator", "ticket": "simulator", "info": "simulator"}
)


@pytest.fixture(scope="module")
def programs() -> Path:
    return kit_here().tool("alertmanager")


def written(folder: Path, settings: Alertmanager, proxy: str | None = None) -> Path:
    file = folder / "alertmanager.yml"
    text = json.dumps(alertmanager_file(settings, proxy=proxy))
    file.write_text(text.replace("/etc/seawall", str(folder)))
    return file


@pytest.mark.parametrize("proxy", [None, "http://proxy.example:3128"])
@pytest.mark.parametrize("settings", [TOLD, TRIED], ids=["webhooks", "simulator"])
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=page"], "page"),
        (["severity=ticket"], "ticket"),
        (["severity=info"], "info"),
        (["severity=odd"], "nobody"),
        ([], "nobody"),
    ],
)
def test_amtool_accepts_the_file_and_routes_each_severity(
    programs: Path,
    tmp_path: Path,
    settings: Alertmanager,
    proxy: str | None,
    labels: list[str],
    receiver: str,
) -> None:
    file = written(tmp_path, settings, proxy)
    command = ["config", "routes", "test", f"--config.file={file}", "alertname=Any", *labels]
    for words in (["check-config", str(file)], command):
        done = subprocess.run(
            [programs / "amtool", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == receiver


def test_blackbox_exporter_accepts_the_probe_modules(tmp_path: Path) -> None:
    probe = BlackboxProbe.model_validate({"model": "fast", "api_key": "local"})
    front = Front("http://entrance", "entrance", 8000)
    file = tmp_path / "blackbox.yml"
    file.write_text(json.dumps(probe_modules(probe, front)))
    program = kit_here().tool("blackbox-exporter") / "blackbox_exporter"
    words = [program, "--config.check", f"--config.file={file}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def running(words: list[object], url: str, env: Mapping[str, str] | None = None) -> Generator[None]:
    given = {**os.environ, **(env or {})}
    with subprocess.Popen(
        [str(word) for word in words], stderr=subprocess.DEVNULL, env=given
    ) as process:
        try:
            wait_until(lambda: answers(url), deadline_s=20, what=f"{words[0]} to answer")
            yield
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=2, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def started(programs: Path, file: Path, port: int) -> list[object]:
    """The command line of Alertmanager."""
    return [
        programs / "alertmanager",
        f"--config.file={file}",
        f"--storage.path={file.parent / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def test_alerts_reach_their_webhook_urls_and_inhibited_ones_do_not(
    programs: Path, tmp_path: Path
) -> None:
    port, sink = free_port(), free_port()
    (tmp_path / "secrets").mkdir()
    for severity in TOLD.webhooks:
        secret = tmp_path / "secrets" / f"alert-webhook-{severity}"
        secret.write_text(f"http://127.0.0.1:{sink}/to-{severity}")
    receiver = [sys.executable, "-m", "simulator.alerts", "--host", "127.0.0.1"]
    alertmanager = started(programs, written(tmp_path, TOLD), port)
    (loud, quiet), *_ = [(loud, echoes[0]) for loud, echoes in SILENCES.items()]
    sent = [
        {"labels": {"alertname": name, "severity": severity}}
        for name, severity in (
            *((loud, "page"), (quiet, "page")),
            *(("Ticketed", "ticket"), ("Informed", "info")),
        )
    ]
    here = f"http://127.0.0.1:{sink}/"
    there = f"http://127.0.0.1:{port}"
    with (
        running([*receiver, "--port", sink], here),
        running(alertmanager, f"{there}/-/ready"),
    ):
        posted = urllib3.request("POST", f"{there}/api/v2/alerts", json=sent)
        assert posted.status == 200
        wait_until(lambda: len(kept(here)) >= 2, deadline_s=20, what="two messages")
        assert states(there)[quiet] == "suppressed", "an echo of another alert"
        assert kept(here) == {("to-page", loud), ("to-ticket", "Ticketed")}


def test_webhook_messages_use_the_egress_proxy(programs: Path, tmp_path: Path) -> None:
    port = free_port()
    issue(tmp_path, host="hooks.example.com")
    (tmp_path / "secrets").mkdir()
    for severity in TOLD.webhooks:
        secret = tmp_path / "secrets" / f"alert-webhook-{severity}"
        secret.write_text(f"https://hooks.example.com/to-{severity}")
    sent = [
        {"labels": {"alertname": f"Any-{name}", "severity": name}} for name in ("page", "ticket")
    ]
    there = f"http://127.0.0.1:{port}"
    with way_out(tmp_path) as way:
        file = written(tmp_path, TOLD, way.url)
        trusting = {"SSL_CERT_FILE": str(tmp_path / "ca.crt")}
        with running(started(programs, file, port), f"{there}/-/ready", trusting):
            posted = urllib3.request("POST", f"{there}/api/v2/alerts", json=sent)
            assert posted.status == 200
            wait_until(lambda: len(way.told) >= 2, deadline_s=20, what="two messages")
    assert way.told == {"/to-page", "/to-ticket"}
    assert way.asked == {"hooks.example.com:443"}


def states(url: str) -> dict[str, str]:
    """The state of each alert in Alertmanager."""
    items = cast(
        "list[dict[str, dict[str, str]]]", urllib3.request("GET", f"{url}/api/v2/alerts").json()
    )
    return {item["labels"]["alertname"]: item["status"]["state"] for item in items}


def kept(url: str) -> set[tuple[str, str]]:
    """The pairs of receiver and alert that the simulated receiver has."""
    items = cast("list[dict[str, object]]", urllib3.request("GET", url).json())
    found: set[tuple[str, str]] = set()
    for item in items:
        message = cast("dict[str, list[dict[str, dict[str, str]]]]", item["message"])
        names = [alert["labels"]["alertname"] for alert in message["alerts"]]
        found |= {(str(item["receiver"]), name) for name in names}
    return found


def test_simulated_receiver_refuses_invalid_messages() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    words: list[object] = [sys.executable, "-m", "simulator.alerts"]
    with running([*words, "--host", "127.0.0.1", "--port", port], url):
        assert urllib3.request("POST", f"{url}page", body=b"[1").status == 400
        assert urllib3.request("DELETE", url).status == 404
        assert kept(url) == set()
