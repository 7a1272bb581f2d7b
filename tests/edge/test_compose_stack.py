"""compose.yaml and its mounts: they match the environment, and run as far as possible here."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from contract import paths
from infra.docker_compose.__main__ import environment_of, main
from infra.docker_compose.atomic_write import swap_in
from infra.docker_compose.files import FOLDER, GATEWAYS, REDIS, files_of
from infra.docker_compose.secrets import write_secrets
from seawall.common.wait import wait_until
from tests.edge.kit import START_S
from tests.infra.environments import CHECKOUT, Platform, complete, platform_of, pod_spec
from tests.measured import measured
from tests.service.kit import Gateway, Simulator, answers, patient_load
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

LOCAL = CHECKOUT / "Pulumi.local.yaml"
RATE = 40.0


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    text = (CHECKOUT / "compose.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


@pytest.fixture(scope="module")
def local() -> Platform:
    return platform_of(complete("local"))


def volumes(stack: dict[str, Any]) -> Iterator[str]:
    """Names of the volumes that any service mounts."""
    for service in stack["services"].values():
        for volume in service.get("volumes", []):
            if isinstance(volume, str):
                yield volume.split(":")[0]


def folders(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The mount from the checkout, by service."""
    return {
        name: volume
        for name, service in stack["services"].items()
        for volume in service.get("volumes", [])
        if not isinstance(volume, str)
    }


def test_each_service_mounts_only_its_own_folder_of_the_checkout(
    stack: dict[str, Any],
) -> None:
    assert not [source for source in volumes(stack) if "/" in source], "a bind mount is written out"
    mounted = folders(stack)
    assert set(mounted) == {*GATEWAYS, "nginx", "prometheus", "alertmanager", "grafana"}
    for service, mount in mounted.items():
        source = CHECKOUT / mount["source"]
        assert source.is_dir(), f"{service}: Docker does not see a single file that is swapped in"
        assert source.parent == FOLDER, "a folder with more in it would show it to the container"
        assert mount["type"] == "bind"
        assert mount["read_only"] is True, service
        assert mount["bind"] == {"create_host_path": False}, "a folder that is missing is an error"
    assert {CHECKOUT / mount["source"] for mount in mounted.values()} == {*FOLDER.iterdir()}


def test_all_files_that_a_service_reads_are_in_its_folder(stack: dict[str, Any]) -> None:
    told = re.compile(r"(?:-c,|--config\.file=)([^,]+)")
    for service, mount in folders(stack).items():
        started = stack["services"][service]
        arguments = ",".join((*started.get("entrypoint", ()), *started.get("command", ())))
        files = told.findall(arguments)
        if service in GATEWAYS:
            files = [paths.CONFIG_FILE]
        assert files or service == "grafana", service  # Grafana reads the folder
        for file in files:
            inside = Path(file).relative_to(mount["target"])
            assert (CHECKOUT / mount["source"] / inside).is_file(), (service, file)
        for file in (CHECKOUT / mount["source"]).iterdir():
            assert file.stat().st_mode & 0o004, f"{service} is another user, and reads {file}"


def test_used_volumes_networks_and_secrets_are_declared(stack: dict[str, Any]) -> None:
    assert {*volumes(stack)} == set(stack["volumes"])
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in stack["services"].values()
        for secret in service.get("secrets", [])
    }
    assert used == set(stack["secrets"])
    networks = {
        network for service in stack["services"].values() for network in service.get("networks", [])
    }
    assert networks == set(stack["networks"])


def test_generated_files_are_up_to_date() -> None:
    for name, text in files_of(environment_of(LOCAL)).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, (
            f"{name} is old: python -m infra.docker_compose files Pulumi.local.yaml"
        )


def test_redis_settings_equal_those_in_kubernetes(stack: dict[str, Any], local: Platform) -> None:
    container = pod_spec(local.one("StatefulSet", "redis"))["containers"][0]
    pod = {item["name"]: item.get("value") for item in container["env"]}
    # These names differ between pods and containers.
    named = {"SEAWALL_NAMESPACE", "SEAWALL_REDIS_HOSTS", "SEAWALL_POD_NAME"}
    for service in (*REDIS, *(name.replace("redis", "sentinel") for name in REDIS)):
        given = stack["services"][service]["environment"]
        assert {k: v for k, v in given.items() if k not in named} == {
            k: v for k, v in pod.items() if k not in named
        }, service
        assert given["SEAWALL_REDIS_HOSTS"] == ",".join(REDIS)
        assert given["SEAWALL_POD_NAME"] == service.replace("sentinel", "redis")


def test_pods_and_containers_get_the_same_secrets(stack: dict[str, Any], local: Platform) -> None:
    for service, secret in ((REDIS[0], "redis-credentials"), (GATEWAYS[0], "gateway-secrets")):
        targets = {item["target"] for item in stack["services"][service]["secrets"]}
        data = local.one("Secret", secret).inputs["stringData"]
        assert targets == {f"{paths.SECRETS_DIR}/{name}" for name in data}, service


def test_only_the_volumes_owner_service_runs_with_privileges(stack: dict[str, Any]) -> None:
    for name, service in stack["services"].items():
        if name == "volumes-owner":
            assert service["network_mode"] == "none"
            continue
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name


def test_ports_are_published_on_loopback_only(stack: dict[str, Any]) -> None:
    published = [
        port for service in stack["services"].values() for port in service.get("ports", [])
    ]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_secrets_are_generated_once_in_a_private_folder(
    stack: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    environment = environment_of(LOCAL)
    made = write_secrets(folder, environment.gateway)
    files = {item["file"].rsplit("/", 1)[1] for item in stack["secrets"].values()}
    assert files <= set(made)
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {file.name: file.read_text() for file in folder.iterdir()}
    assert len(set(before.values())) == len(before), "no secret is another's"
    assert write_secrets(folder, environment.gateway) == []
    (folder / "provider-alpha").unlink()
    assert write_secrets(folder, environment.gateway) == ["provider-alpha"]
    assert (folder / "api-key-local").read_text() not in (folder / paths.API_KEYS_FILE).read_text()


def test_invalid_stack_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "Pulumi.wrong.yaml"
    wrong.write_text(LOCAL.read_text().replace("min: 2", "min: 0"))
    assert main(["files", str(wrong)]) == 2
    told = capsys.readouterr().err
    assert "gateway.replicas.min = 0 is wrong" in told
    assert told.count("\n") == 1


def test_promtool_accepts_the_prometheus_files() -> None:
    done = subprocess.run(
        ["promtool", "check", "config", FOLDER / "prometheus" / "prometheus.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


def nginx_of_the_stack(folder: Path, ports_by_name: dict[str, int], port: int, health: int) -> Path:
    """The committed nginx.conf, with addresses of this machine instead of container names."""
    text = (FOLDER / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    for name, at in ports_by_name.items():
        text, changed = re.subn(rf"{name}:\d+", f"127.0.0.1:{at}", text)
        assert changed == 1, name
    for ours, theirs in ((8000, port), (8001, health)):
        text, changed = re.subn(rf"listen {ours}\b", f"listen {theirs}", text)
        assert changed == 1, ours
    file = folder / "nginx.conf"
    file.write_text(text.replace("/tmp/", f"{folder}/"))  # noqa: S108 - in a container
    return file


def test_nginx_reloads_a_replaced_file_through_the_mount_on_sighup(
    tmp_path: Path, stack: dict[str, Any]
) -> None:
    entrypoint = stack["services"]["nginx"]["entrypoint"]
    assert entrypoint[0] == "nginx", "docker compose kill -s HUP reaches process 1"
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        folder.mkdir()
    at = {name: free_port() for name in GATEWAYS}
    port, health, later = free_port(), free_port(), free_port()
    file = nginx_of_the_stack(source, at, port, health)
    # As Docker does it: a bind mount in the process' own mount namespace.
    start = f"mount --bind {source} {target} && exec nginx -e stderr -c {target}/nginx.conf -g "
    nginx = subprocess.Popen(["unshare", "--mount", "sh", "-c", start + "'daemon off; user root;'"])
    try:

        def healthy(at: int) -> None:
            url = f"http://127.0.0.1:{at}/health"
            wait_until(lambda: answers(url), deadline_s=START_S, what=f"nginx at {at}")

        healthy(health)
        assert list(target.iterdir()) == [], "it is mounted for nginx alone"
        swap_in(file, file.read_text().replace(f"listen {health}", f"listen {later}"), 0o644)
        nginx.send_signal(signal.SIGHUP)
        healthy(later)
    finally:
        nginx.terminate()
        nginx.wait()


def test_file_is_replaced_atomically_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    cut_off = tmp_path / ".settings.new"
    cut_off.write_text("half of")
    cut_off.chmod(0o444)
    before = os.umask(0o077)
    try:
        swap_in(file, "first", 0o444)
        with file.open() as held:
            swap_in(file, "second", 0o644)
            assert held.read() == "first", "who has it open reads the whole of the old one"
    finally:
        os.umask(before)
    assert file.read_text() == "second"
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda end: end.name)
def test_end_of_one_of_two_gateways_fails_no_later_request(
    end: signal.Signals, tmp_path: Path
) -> None:
    provider = Simulator("alpha", tmp_path)
    folders = [tmp_path / name for name in GATEWAYS]
    for folder in folders:
        folder.mkdir()
    timeouts = {"connect": "2s", "headers": "5s", "first_content": "5s"}
    timeouts |= {"gap": "5s", "answer": "10s"}
    gateways = [Gateway(folder, [provider], timeouts=timeouts) for folder in folders]
    port, health = free_port(), free_port()
    at = {name: gateway.port for name, gateway in zip(GATEWAYS, gateways, strict=True)}
    file = nginx_of_the_stack(tmp_path, at, port, health)
    with (tmp_path / "nginx.log").open("wb") as log:
        nginx = subprocess.Popen(
            ["nginx", "-e", "stderr", "-c", file, "-g", "daemon off; user root;"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: answers(f"http://127.0.0.1:{health}/health"),
            deadline_s=START_S,
            what="nginx to answer",
        )
        first, second = gateways
        load = patient_load(f"http://127.0.0.1:{port}/v1", rate=RATE)
        with load:
            for gateway in (first, second):
                wait_until(
                    lambda gateway=gateway: gateway.metric("seawall_requests_total") > RATE / 2,
                    deadline_s=20,
                    what="each gateway to have its share",
                )
            second.signal(end)
            wait_until(lambda: second.returncode is not None, deadline_s=20, what="it to end")
            sent = load.sent
            wait_until(lambda: load.sent > sent + 2 * RATE, deadline_s=20, what="some more load")
        measured(f"compose's nginx, {end.name} for one of two gateways: {load.report.summary()}")
        # Only requests in flight at a killed gateway may fail: after SIGTERM it answers them.
        may_fail = sent if end is signal.SIGKILL else 0
        later = [failure for failure in load.report.failures if failure.number >= may_fail]
        assert not later, f"failed though sent after the gateway's end ({sent} before it): {later}"
        assert " 429 " not in (tmp_path / "nginx.log").read_text()
    finally:
        nginx.terminate()
        nginx.wait()
        for process in (*gateways, provider):
            process.stop()


def compose_runs() -> bool:
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    if not compose_runs():
        pytest.skip("docker compose is not on this machine: `docker compose config` did not run")
    done = subprocess.run(
        ["docker", "compose", "-f", CHECKOUT / "compose.yaml", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "SEAWALL_SECRETS": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
