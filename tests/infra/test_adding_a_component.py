"""A new component needs changes in four files; this adds one to a copy of the code.

Its pod, Service, connections, scrape job, local build and reference row follow from them.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from infra.config.images import Images
from tests.infra.environments import CHECKOUT, changed, complete
from tests.infra.reachability import Destination, Place, reaches

COPIED = ("infra", "contract", "monitoring", "seawall", "tools", "runbooks")
DECLARATION = '''"""usage-exporter: shows what each API key has used."""

from collections.abc import Iterator

from infra.config import Environment
from infra.workloads.peers import redis_servers
from infra.workloads.workload import PodScrape, Program, SecretFiles, Workload

_PORT = 9300


def usage_exporter(environment: Environment) -> Iterator[Workload]:
    settings = environment.monitoring
    if settings is None or not settings.usage:
        return
    yield Workload(
        name="usage-exporter",
        image="usage_exporter",
        switched_on_by="monitoring.usage",
        reaches=[redis_servers()],
        scrapes=[PodScrape(job="seawall-usage")],
        program=Program(
            type="seawall:monitoring:UsageExporter",
            arguments=[f"--listen=:{_PORT}"],
            port=_PORT,
            health="/health",
            resources=settings.exporter_resources,
            secrets=SecretFiles(("redis-app-password",)),
            knows_redis=True,
        ),
    )
'''
IMAGE = '''    usage_exporter: Annotated[
        Image | None, GoModule("usage-exporter", "usage_exporter")
    ] = None
    """Image of usage_exporter, for seawall:monitoring.usage."""
'''
SWITCH = '''    usage: bool = False
    """Whether usage_exporter shows what each API key has used."""
'''
CHANGES: tuple[tuple[str, str, str], ...] = (
    (
        "infra/workloads/catalogue.py",
        "from infra.workloads.workload import Workload\n",
        "from infra.workloads.usage_exporter import usage_exporter\n",
    ),
    ("infra/workloads/catalogue.py", "    simulators,\n", "    usage_exporter,\n"),
    (
        "infra/config/images.py",
        '    """Image of Alertmanager, for seawall:monitoring.alertmanager."""\n',
        IMAGE,
    ),
    (
        "infra/config/monitoring.py",
        "class _CommonSettings(Strict):\n",
        SWITCH,
    ),
)
"""File, the text after which a change comes, and the change."""
LOOK = """
import json, sys
from infra.parsing import ConfigError
from infra.synth import synth
from seawall.testbed.image_builds import go_modules
from tools.config_reference.page import page

values, without = json.load(sys.stdin)
try:
    synth(without, env="test")
except ConfigError as error:
    refused = str(error)
found = [[item.type, item.name, item.inputs] for item in synth(values, env="test")]
print(json.dumps({"found": found, "refused": refused, "build": go_modules()["usage_exporter"],
                  "page": page()}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the copied code makes of the local environment with the component switched on."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / folder, copy / folder, ignore=ignored)
    touched = {"infra/workloads/usage_exporter.py"}
    (copy / "infra/workloads/usage_exporter.py").write_text(DECLARATION)
    for file, anchor, added in CHANGES:
        text = (copy / file).read_text()
        assert anchor in text, f"{file} has no {anchor!r}"
        end = text.index(anchor) + len(anchor)
        if anchor.startswith("class "):
            # After the docstring of the class.
            end = text.index('"""\n\n', end) + len('"""\n\n')
        (copy / file).write_text(text[:end] + added + text[end:])
        touched.add(file)
    assert len(touched) <= 4
    without = changed(complete("local"), "monitoring.usage", value=True)
    values = changed(without, "images.usage_exporter", "registry.example/usage-exporter:1")
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        input=json.dumps([values, without]),
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def one(seen: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    (inputs,) = [
        inputs
        for type_, found, inputs in seen["found"]
        if type_.rsplit(":", 1)[-1] == kind and found == name
    ]
    return dict(inputs)


def test_the_component_is_unknown_without_the_changes() -> None:
    assert "usage_exporter" not in Images.model_fields


def test_the_new_component_has_a_pod_and_a_service(seen: Mapping[str, Any]) -> None:
    spec = one(seen, "Deployment", "usage-exporter")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "registry.example/usage-exporter:1"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["readinessProbe"]["httpGet"]["path"] == "/health"
    assert len(spec["hostAliases"]) == 3
    assert one(seen, "Service", "usage-exporter")["spec"]["ports"][0]["port"] == 9300
    secret = one(seen, "Secret", "usage-exporter-secrets")["stringData"]
    assert set(secret) == {"redis-app-password"}


def test_the_connections_of_the_new_component_are_open_at_both_ends(
    seen: Mapping[str, Any],
) -> None:
    policies = [inputs for type_, _, inputs in seen["found"] if type_.endswith(":NetworkPolicy")]
    home = {"kubernetes.io/metadata.name": "seawall"}

    def pod(name: str, address: str) -> Place:
        labels = {
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/instance": "seawall",
            "app.kubernetes.io/part-of": "seawall",
        }
        return Place(address, "seawall", labels, home)

    exporter, redis = pod("usage-exporter", "10.1.0.1"), pod("redis", "10.1.0.2")
    prometheus, gateway = pod("prometheus", "10.1.0.3"), pod("gateway", "10.1.0.4")
    assert reaches(policies, exporter, Destination(redis, 6379))
    assert reaches(policies, prometheus, Destination(exporter, 9300))
    assert not reaches(policies, gateway, Destination(exporter, 9300))
    assert not reaches(policies, exporter, Destination(gateway, 8080))


def test_prometheus_scrapes_the_new_component(seen: Mapping[str, Any]) -> None:
    files = one(seen, "ConfigMap", "prometheus-settings")["data"]
    jobs = [job["job_name"] for job in json.loads(files["prometheus.yml"])["scrape_configs"]]
    assert "seawall-usage" in jobs


def test_the_new_component_is_built_checked_and_documented(seen: Mapping[str, Any]) -> None:
    assert seen["build"] == ["usage-exporter", "usage_exporter"]
    assert seen["refused"] == (
        "seawall:images.usage_exporter is missing, and seawall:monitoring.usage runs it; give it"
    )
    assert "`seawall:monitoring.usage`" in seen["page"]
