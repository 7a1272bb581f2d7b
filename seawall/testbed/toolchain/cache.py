"""One cache outside the checkout, keyed by content, verified before use.

An entry is a folder `<root>/<name>/<key>` next to a manifest `<key>.json` with the SHA-256 of every
file in the folder. The manifest is written last: a folder without one is left from a killed build
and is removed. A file is hashed again when its size, times or inode differ from those in
`<key>.seen`, which records them at the last hashing. A file lock per entry makes parallel runs
safe: the second run waits and then uses the result of the first.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from seawall.common.locks import exclusive

__all__ = ["Cache", "default_root", "digest_of_files"]

_KEPT_PER_NAME = 3
"""Older entries of the same name are removed when a new one is built."""


def default_root() -> Path:
    """$SEAWALL_CACHE, else the user's cache folder according to the XDG specification."""
    if own := os.environ.get("SEAWALL_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "seawall"


def digest_of_files(files: list[Path], *extra: str) -> str:
    """A key of 16 hexadecimal digits from the files' names, bytes and the extra words."""
    total = hashlib.sha256()
    for word in extra:
        total.update(word.encode() + b"\0")
    for file in sorted(files):
        total.update(f"{file.name}\0{_sha256(file)}\0".encode())
    return total.hexdigest()[:16]


class Cache:
    """The cache below one folder.

    Args:
        root: the folder; created when missing.
        say: receives one line about each unusual event (a corrupt entry).
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self.root = root
        self._say = say

    def get(self, name: str, key: str, build: Callable[[Path], None]) -> Path:
        """The verified folder of an entry; built when it is missing or corrupt.

        Args:
            name: the name of the entry, used as a folder name.
            key: digest of everything that the content depends on.
            build: fills an empty folder; if it raises, nothing is kept.
        """
        home = self.root / name
        entry, manifest = home / key, home / f"{key}.json"
        with exclusive(home / f"{key}.lock"):
            if manifest.exists():
                fault = _fault(entry, manifest, home / f"{key}.seen")
                if fault is None:
                    os.utime(manifest)
                    return entry
                self._say(f"cache entry {name}/{key} is corrupt ({fault}): building it again")
            manifest.unlink(missing_ok=True)
            (home / f"{key}.seen").unlink(missing_ok=True)
            shutil.rmtree(entry, ignore_errors=True)
            for rest in home.glob(f".draft-{key}-*"):  # of killed builds, since we hold the lock
                shutil.rmtree(rest, ignore_errors=True)
            # A unique name, because a compiler of a killed run may still write into the draft of
            # that run.
            draft = Path(tempfile.mkdtemp(prefix=f".draft-{key}-", dir=home))
            draft.chmod(0o755)
            try:
                build(draft)
            except BaseException:  # free the space, because a full disk may be the cause
                shutil.rmtree(draft, ignore_errors=True)
                raise
            draft.rename(entry)
            _write_manifest(entry, manifest)
        self._prune(home, keep=key)
        return entry

    def has(self, name: str, key: str) -> bool:
        """Whether the entry exists (`get` verifies its content)."""
        return (self.root / name / f"{key}.json").exists()

    def _prune(self, home: Path, *, keep: str) -> None:
        manifests = sorted(home.glob("*.json"), key=lambda m: m.stat().st_mtime, reverse=True)
        for manifest in manifests[_KEPT_PER_NAME:]:
            if manifest.stem != keep:
                with exclusive(home / f"{manifest.stem}.lock"):
                    manifest.unlink(missing_ok=True)
                    manifest.with_suffix(".seen").unlink(missing_ok=True)
                    shutil.rmtree(home / manifest.stem, ignore_errors=True)


def _write_manifest(entry: Path, manifest: Path) -> None:
    files = {str(f.relative_to(entry)): _sha256(f) for f in _files(entry)}
    fresh = manifest.with_suffix(".new")
    fresh.write_text(json.dumps({"files": files}, indent=1, sort_keys=True))
    fresh.replace(manifest)


def _fault(entry: Path, manifest: Path, seen: Path) -> str | None:
    try:
        expected: dict[str, str] = json.loads(manifest.read_text())["files"]
    except (ValueError, KeyError):
        return "its manifest cannot be read"
    before = _looks_of_last_time(seen)
    now: dict[str, list[int]] = {}
    for name, digest in expected.items():
        file = entry / name
        if not file.is_file():
            return f"{name} is missing"
        now[name] = _look(file)
        if before.get(name) != now[name] and _sha256(file) != digest:
            return f"{name} has changed"
    if now != before:
        fresh = seen.with_suffix(".seen.new")
        fresh.write_text(json.dumps(now))
        fresh.replace(seen)
    return None


def _looks_of_last_time(seen: Path) -> dict[str, list[int]]:
    try:
        return json.loads(seen.read_text())
    except (OSError, ValueError):
        return {}  # never hashed since the build, or an incomplete file: hash everything


def _look(file: Path) -> list[int]:
    """Attributes that change with every write; only the kernel can set the change time."""
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _files(folder: Path) -> list[Path]:
    return [f for f in folder.rglob("*") if f.is_file() and not f.is_symlink()]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
