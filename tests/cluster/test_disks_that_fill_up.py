"""A disk that fills up during a command: one line reports it, and a rerun continues cleanly."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.errors import ClusterError, HostError
from seawall.common.progress import Progress
from seawall.common.wait import wait_until
from seawall.testbed.cluster.image_store import clone_store, golden_store
from seawall.testbed.kit import Kit, kit_here
from seawall.testbed.local_environment import space_needed
from seawall.testbed.preflight import blaming_a_full_disk
from seawall.testbed.toolchain.cache import Cache
from seawall.testbed.toolchain.images import Image
from tests.conftest import CHECKOUT, SEAWALL, run_seawall
from tests.host.snapshot import left_behind, take_snapshot
from tests.support.ranges import free_range

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")

FULL = "the disk of {} is full"


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A disk of 3 GiB whose sparse image takes space only for what is written."""
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(3 * 2**30)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk with one file; returns that file."""
    filler = disk / "filler"
    taken, piece = 0, 2**30
    with filler.open("wb") as file:
        while piece >= 2**12:
            try:
                os.posix_fallocate(file.fileno(), taken, piece)
                taken += piece
            except OSError:
                piece //= 2
    return filler


def lines_until(process: subprocess.Popen[str], word: str) -> list[str]:
    """The lines of standard error up to the first with `word`, or all lines without one."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if word in line:
            break
    return lines


@pytest.mark.cluster
def test_up_on_a_disk_that_fills_up_while_images_load_fails_with_one_line_and_a_rerun_continues(
    built_kit: Kit, variables: dict[str, str], small_disk: Path
) -> None:
    del built_kit
    own_variables = {**variables, "SEAWALL_STATE_DIR": str(small_disk / "state")}
    own_variables["SEAWALL_RANGE"] = free_range()
    command = ["env", "--default-signal=INT", SEAWALL, "up", "--nodes", "1"]

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            env={**os.environ, **own_variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    try:
        with begin() as up:
            before = lines_until(up, "load the images into the nodes ...")
            filler = fill(small_disk)
            rest = lines_until(up, "never said")
        assert up.returncode == 1
        assert not any("Traceback" in line for line in rest), rest
        (error,) = [line for line in [*before, *rest] if line.startswith("seawall: ")]
        for word in ("the disk of", str(small_disk), "n1", "free some", "same command again"):
            assert word in error
        filler.unlink()
        with begin() as again:
            lines = lines_until(again, "load the images into the nodes: done")
            again.send_signal(signal.SIGINT)
            lines_until(again, "never said")
        assert "load the images into the nodes: done" in lines[-1], lines
    finally:
        down = run_seawall("cluster", "down", variables=own_variables)
    assert down.returncode == 0, down.stderr


@pytest.fixture
def images(built_kit: Kit) -> list[Image]:
    """Two images; the base image is larger than the tiny disk."""
    return [built_kit.supplies.pause, built_kit.supplies.base]


@pytest.mark.cluster
def test_disk_that_fills_up_during_the_build_of_the_image_store_leaves_no_draft(
    images: list[Image], tiny_disk: Path
) -> None:
    cache = Cache(tiny_disk, print)
    progress = Progress(tiny_disk / "durations.json", print)
    with pytest.raises(HostError, match="unpacking images into containerd") as caught:
        golden_store(images, cache, progress)
    assert FULL.format(tiny_disk) in str(caught.value)
    assert "SEAWALL_CACHE" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tiny_disk.rglob(".draft-*")), "an unfinished store must take no space"
    subprocess.run(["mount", "-o", "remount,size=2g", tiny_disk], check=True)
    assert (golden_store(images, cache, progress) / "io.containerd.metadata.v1.bolt").is_dir()


@pytest.mark.cluster
def test_killed_build_of_the_image_store_leaves_nothing_on_the_host(
    images: list[Image], tmp_path: Path, variables: dict[str, str]
) -> None:
    kit: Kit = kit_here()
    before = take_snapshot(kit)
    script = (
        "import sys, pathlib; from seawall.testbed.cluster.image_store import golden_store;"
        "from seawall.testbed.toolchain.cache import Cache;"
        "from seawall.common.progress import Progress;"
        "from seawall.testbed.toolchain.images import Image; root = pathlib.Path(sys.argv[1]);"
        "images = [Image(*pair.split('=')) for pair in sys.argv[2:]];"
        "golden_store([Image(i.ref, pathlib.Path(i.archive)) for i in images],"
        " Cache(root, print), Progress(root / 'durations.json'))"
    )
    pairs = [f"{image.ref}={image.archive}" for image in images]
    builder = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "cache", *pairs],
        cwd=CHECKOUT,
        env={**os.environ, **variables},
    )
    wait_until(
        lambda: list((tmp_path / "cache").glob("containerd-store/.draft-*/root/*content*")),
        deadline_s=60,
        what="containerd to work on the store",
    )
    builder.kill()
    builder.wait()
    # The kernel ends the builder's children a moment after it.
    wait_until(
        lambda: not left_behind(kit, before), deadline_s=20, what="the builder's children to end"
    )


def test_incomplete_copy_of_the_image_store_is_removed_and_a_rerun_copies_all(
    tmp_path: Path, tiny_disk: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "layer").write_bytes(b"x" * 40 * 2**20)
    target = tiny_disk / "var" / "containerd"
    with pytest.raises(ClusterError, match="No space left on device"):
        clone_store(store, target)
    assert not target.exists()
    subprocess.run(["mount", "-o", "remount,size=100m", tiny_disk], check=True)
    clone_store(store, target)
    assert (target / "layer").stat().st_size == 40 * 2**20
    assert [entry.name for entry in target.parent.iterdir()] == ["containerd"]


def test_failure_on_a_disk_with_free_space_is_reported_unchanged(tmp_path: Path) -> None:
    with (
        pytest.raises(ClusterError, match=r"^something else$"),
        blaming_a_full_disk(tmp_path, variable="SEAWALL_CACHE"),
    ):
        raise ClusterError("something else")


def test_failure_on_a_full_disk_is_reported_with_the_disk(tiny_disk: Path) -> None:
    fill(tiny_disk)
    with (
        pytest.raises(HostError, match=r"is full \(0\.00 GiB free\), therefore: timed out; free"),
        blaming_a_full_disk(tiny_disk, variable="SEAWALL_CACHE"),
    ):
        raise ClusterError("timed out")


def test_nodes_on_another_disk_than_the_cache_need_more_space(
    variables: dict[str, str], tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del variables

    def needed_gib() -> float:
        kit = kit_here(nodes=3)
        _, (_, gib, _) = space_needed(kit, kit.cluster())
        return gib

    same_disk = needed_gib()
    monkeypatch.setenv("SEAWALL_STATE_DIR", str(tiny_disk))
    other_disk = needed_gib()
    kit_here(nodes=3).instance.data.mkdir()
    running = needed_gib()
    assert running < same_disk < other_disk, (
        "three copies need more space, and existing copies need none"
    )
