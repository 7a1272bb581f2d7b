import os
import threading
from pathlib import Path

import pytest

from seawall.testbed.toolchain.cache import Cache, digest_of_files


def build_file(target: Path) -> None:
    (target / "file").write_text("content")


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, messages: list[str]) -> Cache:
    return Cache(tmp_path / "cache", messages.append)


def test_an_entry_is_built_once(cache: Cache) -> None:
    built: list[Path] = []

    def build(target: Path) -> None:
        built.append(target)
        build_file(target)

    first = cache.get("tool", "key", build)
    assert cache.get("tool", "key", build) == first
    assert len(built) == 1
    assert (first / "file").read_text() == "content"


@pytest.mark.parametrize("damage", ["changed", "missing", "manifest"])
def test_a_corrupt_entry_is_named_and_built_again(
    cache: Cache, messages: list[str], damage: str
) -> None:
    entry = cache.get("tool", "key", build_file)
    if damage == "changed":
        (entry / "file").write_text("c0ntent")
    elif damage == "missing":
        (entry / "file").unlink()
    else:
        (entry.parent / "key.json").write_text("{")
    assert (cache.get("tool", "key", build_file) / "file").read_text() == "content"
    assert len(messages) == 1
    assert "tool/key is corrupt" in messages[0]


def test_changed_content_with_the_same_size_and_mtime_is_detected(
    cache: Cache, messages: list[str]
) -> None:
    entry = cache.get("tool", "key", build_file)
    cache.get("tool", "key", build_file)  # from now on, size and mtime verify the entry
    file = entry / "file"
    before = file.stat()
    file.write_text("c0ntent")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (cache.get("tool", "key", build_file) / "file").read_text() == "content"
    assert len(messages) == 1


def test_verified_entry_is_not_hashed_again(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.get("tool", "key", build_file)
    cache.get("tool", "key", build_file)

    def refuse(file: Path) -> str:
        pytest.fail(f"{file} was hashed")

    monkeypatch.setattr("seawall.testbed.toolchain.cache._sha256", refuse)
    cache.get("tool", "key", build_file)


def test_a_failed_build_leaves_nothing_and_the_next_one_starts_clean(cache: Cache) -> None:
    def fail(target: Path) -> None:
        (target / "half").write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        cache.get("tool", "key", fail)
    assert not cache.has("tool", "key")
    entry = cache.get("tool", "key", build_file)
    assert [f.name for f in entry.iterdir()] == ["file"]


def test_files_of_a_killed_build_do_not_reach_the_next_build(cache: Cache) -> None:
    first: list[Path] = []

    def killed(target: Path) -> None:
        first.append(target)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get("tool", "key", killed)

    def build_with_a_late_write_of_the_killed_one(target: Path) -> None:
        first[0].mkdir(exist_ok=True)
        (first[0] / "late").write_text("of the killed build")
        build_file(target)

    entry = cache.get("tool", "key", build_with_a_late_write_of_the_killed_one)
    assert [f.name for f in entry.iterdir()] == ["file"]
    (entry / "file").unlink()
    cache.get("tool", "key", build_file)
    assert not list(entry.parent.glob(".draft-*")), "the next build must remove leftover drafts"


def test_concurrent_gets_build_once(cache: Cache) -> None:
    built: list[int] = []
    entered, release = threading.Event(), threading.Event()

    def slow(target: Path) -> None:
        built.append(1)
        entered.set()
        assert release.wait(10)
        build_file(target)

    found: list[Path] = []
    racers = [
        threading.Thread(target=lambda: found.append(cache.get("tool", "key", slow)))
        for _ in range(2)
    ]
    for racer in racers:
        racer.start()
    assert entered.wait(10)
    release.set()
    for racer in racers:
        racer.join(10)
    assert len(found) == 2
    assert len(built) == 1


def test_old_entries_of_a_name_are_removed(cache: Cache) -> None:
    for key in "abcde":
        cache.get("tool", key, build_file)
    assert cache.has("tool", "e")
    assert not cache.has("tool", "a")


def test_a_key_depends_on_names_and_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    first = digest_of_files([file], "x")
    assert digest_of_files([file], "y") != first
    file.write_text("2")
    assert digest_of_files([file], "x") != first
