"""Wrong input or an unsuitable host: one line says what failed, with which value, and what to do.

The command leaves nothing incomplete behind.
"""

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
from tests.support.ranges import free_range, routed_range

pytestmark = [pytest.mark.cluster]


@pytest.mark.parametrize(
    "command",
    ["up", *(f"cluster node {do} node2" for do in ("stop", "start", "partition", "heal"))],
)
def test_command_that_needs_root_is_refused_for_another_user(
    variables: dict[str, str], command: str
) -> None:
    done = subprocess.run(
        [*AS_NOBODY, SEAWALL, *command.split()],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_line(done, "needs root", "65534", "sudo")
    assert not Path(variables["SEAWALL_HOME"]).exists()


def test_up_without_disk_space_for_the_cache_is_refused(
    variables: dict[str, str], tiny_disk: Path
) -> None:
    done = run_seawall("up", variables={**variables, "SEAWALL_CACHE": str(tiny_disk)})
    assert_one_line(done, "26 GiB", str(tiny_disk), "0.0 GiB are free", "SEAWALL_CACHE")


def test_up_without_disk_space_for_a_cluster_is_refused(
    variables: dict[str, str], tiny_disk: Path
) -> None:
    done = run_seawall("up", variables={**variables, "SEAWALL_STATE_DIR": str(tiny_disk)})
    assert_one_line(done, "3.5 GiB", "SEAWALL_STATE_DIR")


def test_second_up_at_the_same_time_is_refused(variables: dict[str, str]) -> None:
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
def test_error_for_a_wrong_value_names_the_value_and_the_allowed_ones(
    variables: dict[str, str], arguments: list[str], extra: dict[str, str], words: list[str]
) -> None:
    done = run_seawall(*arguments, variables={**variables, **extra})
    assert_one_line(done, *words)


def test_up_with_a_routed_address_range_is_refused(variables: dict[str, str]) -> None:
    octet = free_range()
    with routed_range(octet) as taken:
        done = run_seawall("cluster", "up", variables={**variables, "SEAWALL_RANGE": octet})
    assert_one_line(done, f"10.{octet}.0.0/16", taken.route, taken.link, "SEAWALL_RANGE")
    assert not Path(variables["SEAWALL_STATE_DIR"]).exists()


def test_serve_on_a_port_in_use_is_refused(variables: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_seawall("serve", "--port", str(port), variables=variables, timeout_s=30)
    assert_one_line(done, f"127.0.0.1:{port}", f"process {os.getpid()}", "choose another port")


@pytest.mark.usefixtures("variables")
def test_corrupt_image_in_the_cache_is_rebuilt() -> None:
    messages: list[str] = []
    kit = kit_here(emit=messages.append)
    image = kit.images.project_image("redis")
    with image.archive.open("r+b") as archive:
        archive.seek(1_000_000)
        archive.write(b"damage")
    again = kit.images.project_image("redis")
    assert again.ref == image.ref
    assert any("is corrupt" in line for line in messages)
    assert kit.images.project_image("redis") == again


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh copy of the files in a clone of the repository."""
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


def test_unreachable_package_index_is_one_line_and_two_concurrent_reruns_succeed(
    clone: Path,
) -> None:
    unreachable_index = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_NO_INDEX": "",
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
        "UV_NO_CACHE": "1",
    }
    first = bootstrap(clone, unreachable_index)
    assert_one_line(first, "installing Python packages failed", "run the same command again")
    reruns = [
        subprocess.Popen(["tools/bootstrap.sh"], cwd=clone, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    wait_until(
        lambda: all(p.poll() is not None for p in reruns), deadline_s=240, what="both bootstraps"
    )
    assert [p.returncode for p in reruns] == [0, 0]
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


def test_up_and_down_refuse_a_folder_that_seawall_did_not_create(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("important")
    for command in ("cluster down", "up"):
        done = run_seawall(*command.split(), variables={"SEAWALL_HOME": str(precious)})
        assert_one_line(done, str(precious), "not made by this kit")
    assert (precious / "thesis").read_text() == "important"


@pytest.mark.parametrize("home", ["/", str(CHECKOUT), str(Path.home())])
def test_shared_folder_as_state_folder_is_refused(home: str) -> None:
    assert_one_line(
        run_seawall("cluster", "down", variables={"SEAWALL_HOME": home}), "separate folder"
    )


def test_cache_path_that_is_no_folder_is_refused(variables: dict[str, str]) -> None:
    done = run_seawall("up", variables={**variables, "SEAWALL_CACHE": "/dev/null"})
    assert_one_line(done, "/dev/null is not a folder")
