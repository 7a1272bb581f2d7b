"""Bad input and bad hosts: one line: what, which value, what to do; and nothing half-made."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from seawall.common.locks import try_exclusive
from seawall.common.wait import wait_until
from seawall.testbed.kit import kit_here
from seawall.testbed.toolchain.cache import default_root
from tests.cluster.refusals import assert_one_line
from tests.conftest import AS_NOBODY, CHECKOUT, SEAWALL, run_seawall
from tests.support.ranges import free_range, routed_by_somebody

pytestmark = [pytest.mark.cluster]


@pytest.mark.parametrize(
    "command",
    ["up", *(f"cluster node {do} node2" for do in ("stop", "start", "partition", "heal"))],
)
def test_not_root(variables: dict[str, str], command: str) -> None:
    done = subprocess.run(
        [*AS_NOBODY, SEAWALL, *command.split()],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_line(done, "needs root", "65534", "sudo")
    assert not Path(variables["SEAWALL_HOME"]).exists()


def test_less_disk_than_a_first_run_needs(variables: dict[str, str], tiny_disk: Path) -> None:
    done = run_seawall("up", variables={**variables, "SEAWALL_CACHE": str(tiny_disk)})
    assert_one_line(done, "26 GiB", str(tiny_disk), "0.0 GiB are free", "SEAWALL_CACHE")


def test_less_disk_than_a_cluster_needs(variables: dict[str, str], tiny_disk: Path) -> None:
    done = run_seawall("up", variables={**variables, "SEAWALL_STATE_DIR": str(tiny_disk)})
    assert_one_line(done, "3.5 GiB", "SEAWALL_STATE_DIR")


def test_two_at_once(variables: dict[str, str]) -> None:
    home = Path(variables["SEAWALL_HOME"])
    with try_exclusive(home.with_name(f"{home.name}.lock"), what="this test"):
        done = run_seawall("up", variables=variables)
    assert_one_line(done, "already running", str(os.getpid()))


@pytest.mark.parametrize(
    ("arguments", "extra", "words"),
    [
        (["up", "--nodes", "99"], {}, ["nodes: 99", "1 and 32"]),
        (["up"], {"SEAWALL_RANGE": "300"}, ["SEAWALL_RANGE", "300", "64 to 127"]),
        (["cluster", "logs", "n7/kubelet"], {}, ["n7/kubelet", "n1/kubelet"]),
        (["kubectl", "get", "pods"], {}, ["not been started", "make up"]),
        (["cluster", "node", "stop", "node9"], {}, ["no such node: node9", "node1, node2, node3"]),
        (["cluster", "node", "stop", "node1"], {}, ["not been started", "make up"]),
        (["cluster", "node", "heal", "cp"], {}, ["no such node: cp"]),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    variables: dict[str, str], arguments: list[str], extra: dict[str, str], words: list[str]
) -> None:
    done = run_seawall(*arguments, variables={**variables, **extra})
    assert_one_line(done, *words)


def test_a_range_that_somebody_routes_is_refused(variables: dict[str, str]) -> None:
    octet = free_range()
    with routed_by_somebody(octet) as taken:
        done = run_seawall("cluster", "up", variables={**variables, "SEAWALL_RANGE": octet})
    assert_one_line(done, f"10.{octet}.0.0/16", taken.route, taken.link, "SEAWALL_RANGE")
    assert not Path(variables["SEAWALL_STATE_DIR"]).exists()


def test_serve_on_a_taken_port(variables: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_seawall("serve", "--port", str(port), variables=variables, timeout_s=30)
    assert_one_line(done, f"127.0.0.1:{port}", f"process {os.getpid()}", "choose another port")


@pytest.mark.usefixtures("variables")
def test_a_corrupt_image_in_the_cache_is_built_again() -> None:
    said: list[str] = []
    kit = kit_here(emit=said.append)
    image = kit.images.project_image("redis")
    with image.archive.open("r+b") as archive:
        archive.seek(1_000_000)
        archive.write(b"damage")
    again = kit.images.project_image("redis")
    assert again.ref == image.ref
    assert any("is corrupt" in line for line in said)
    assert kit.images.project_image("redis") == again


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh copy of what a clone of the repository holds."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    target = tmp_path / "clone"
    for name in listed:
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)
    return target


def test_a_package_index_that_refuses_is_one_line_and_two_reruns_at_once_continue(
    clone: Path,
) -> None:
    refusing = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_NO_INDEX": "",
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
        "UV_NO_CACHE": "1",
    }
    first = bootstrap(clone, refusing)
    assert_one_line(first, "installing Python packages failed", "run the same command again")
    both = [
        subprocess.Popen(["tools/bootstrap.sh"], cwd=clone, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    wait_until(
        lambda: all(p.poll() is not None for p in both), deadline_s=240, what="both bootstraps"
    )
    assert [p.returncode for p in both] == [0, 0]
    assert (clone / ".venv" / "bin" / "seawall").exists()


def bootstrap(clone: Path, extra: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["tools/bootstrap.sh"],
        cwd=clone,
        env={**os.environ, **extra},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_cache_is_outside_the_checkout() -> None:
    assert CHECKOUT not in default_root().parents


def test_down_never_removes_a_folder_that_the_kit_did_not_make(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("important")
    for command in ("down", "up"):
        done = run_seawall(command, variables={"SEAWALL_HOME": str(precious)})
        assert_one_line(done, str(precious), "not made by this kit")
    assert (precious / "thesis").read_text() == "important"


@pytest.mark.parametrize("home", ["/", str(CHECKOUT), str(Path.home())])
def test_a_folder_that_is_not_for_state_alone_is_refused(home: str) -> None:
    assert_one_line(run_seawall("down", variables={"SEAWALL_HOME": home}), "separate folder")


def test_a_cache_that_is_no_folder(variables: dict[str, str]) -> None:
    done = run_seawall("up", variables={**variables, "SEAWALL_CACHE": "/dev/null"})
    assert_one_line(done, "/dev/null is not a folder")
