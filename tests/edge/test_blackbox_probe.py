"""The real blackbox_exporter with the bundled probe, against the bundled nginx with TLS."""

import datetime as dt
import json
import subprocess
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from infra.config import BlackboxProbe, Front
from infra.parsing import parse
from infra.workloads.blackbox_probe import PROBE_MODULE, probe_modules, probe_url
from seawall.common.wait import wait_until
from seawall.testbed.kit import kit_here
from tests.edge.kit import Nginx, configuration, issue, names_server
from tests.egress_proxy import way_out
from tests.infra.environments import Values, changed, complete
from tests.service.kit import Simulator, answers
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

HOST = "llm.example.com"
AUTHORITY = "/etc/seawall/probe-ca"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[Simulator]:
    """A stub of the gateway that returns a completion, as the probe expects."""
    made = Simulator("alpha", tmp_path_factory.mktemp("provider"))
    yield made
    made.stop()


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """The files that pods mount from the edge proxy's Secret."""
    folder = tmp_path / "tls"
    folder.mkdir()
    return folder


@pytest.fixture
def edge(simulator: Simulator, tls: Path, tmp_path: Path) -> Generator[Nginx]:
    issue(tls, host=HOST)
    with names_server(["127.0.0.1"]) as resolver:
        conf = configuration(port=simulator.port, resolver=resolver, scratch=tmp_path / "scratch")
        made = Nginx(replace(conf, listener=replace(conf.listener, tls_dir=str(tls))), tmp_path)
        yield made
        made.stop()


def question(values: Values) -> tuple[BlackboxProbe, Front]:
    """The probe's settings and the front that it targets, with a configured CA."""
    made = parse(changed(values, "monitoring.blackbox.ca", "llm-tls"))
    assert made.monitoring
    assert made.monitoring.blackbox
    return made.monitoring.blackbox, made.front


def at_edge(edge: Nginx, *hosts: str) -> tuple[BlackboxProbe, Front]:
    """The probe of an edge proxy with a certificate for `hosts`, at its local address."""
    values = complete("local")
    tls = {**values["seawall:edge"], "hosts": list(hosts), "tls": {"secret": "llm-tls"}}
    settings, front = question(changed(values, "edge", tls))
    assert front.url == "https://entrance"
    return settings, replace(front, url=edge.url)


class Probe:
    """A running blackbox_exporter that probes the edge proxy."""

    def __init__(
        self, folder: Path, settings: BlackboxProbe, front: Front, authority: Path
    ) -> None:
        (folder / "api-key-local").write_text("sk-test")
        text = json.dumps(probe_modules(settings, front))
        text = text.replace(AUTHORITY, str(authority))
        file = folder / "blackbox.yml"
        file.write_text(text.replace("/etc/seawall/secrets", str(folder)))
        self._target = probe_url(front)
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        program = kit_here().tool("blackbox-exporter") / "blackbox_exporter"
        self._process = subprocess.Popen(
            [program, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"],
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: answers(f"{self._url}/-/healthy"), deadline_s=10, what="the exporter")

    def success(self) -> bool:
        fields = {"module": PROBE_MODULE, "target": self._target}
        told = urllib3.request("GET", f"{self._url}/probe", fields=fields, timeout=10).data.decode()
        (line,) = [line for line in told.splitlines() if line.startswith("probe_success ")]
        return line == "probe_success 1"

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def probe(tmp_path: Path, edge: Nginx, tls: Path) -> Generator[Probe]:
    made = Probe(tmp_path, *at_edge(edge, HOST), tls)
    yield made
    made.stop()


def test_probe_fails_on_an_expired_certificate_and_recovers_after_renewal(
    probe: Probe, tls: Path
) -> None:
    assert probe.success()
    issue(tls, host=HOST, ends_after=-dt.timedelta(minutes=1))
    assert not probe.success()
    issue(tls, host=HOST)
    assert probe.success(), "a renewed one is seen at once"


def test_probe_fails_on_a_certificate_for_another_name(probe: Probe, tls: Path) -> None:
    issue(tls, host="llm.example.org")
    assert not probe.success()


def test_probe_fails_on_a_certificate_of_an_unknown_authority(probe: Probe, tls: Path) -> None:
    known = (tls / "ca.crt").read_bytes()
    issue(tls, host=HOST)
    (tls / "ca.crt").write_bytes(known)
    assert not probe.success()


def test_probe_fails_while_nginx_is_down(probe: Probe, edge: Nginx) -> None:
    assert probe.success()
    edge.stop()
    assert not probe.success()


def test_wildcard_certificate_is_checked_with_a_matching_name(
    tmp_path: Path, edge: Nginx, tls: Path
) -> None:
    issue(tls, host="*.example.com")
    probe = Probe(tmp_path, *at_edge(edge, "*.example.com", "other.example.org"), tls)
    try:
        assert probe.success()
    finally:
        probe.stop()


def test_probe_url_is_requested_through_the_egress_proxy_with_tls_verification(
    tmp_path: Path, tls: Path
) -> None:
    issue(tls, host=HOST)
    with way_out(tls, b'{"choices": []}') as way:
        proxy = {"block": "127.0.0.1/32", "port": way.server_port, "url": way.url}
        values = changed(complete("local"), "network.egress_proxy", proxy)
        values = changed(values, "monitoring.blackbox.url", f"https://{HOST}")
        probe = Probe(tmp_path, *question(values), tls)
        try:
            assert probe.success()
            assert (way.asked, way.told) == ({f"{HOST}:443"}, {"/v1/chat/completions"})
        finally:
            probe.stop()
        issue(tls, host="llm.example.org")
        way.tls.load_cert_chain(tls / "tls.crt", tls / "tls.key")
        other = Probe(tmp_path, *question(values), tls)
        try:
            assert not other.success(), "a proxy does not stand between it and the certificate"
        finally:
            other.stop()
