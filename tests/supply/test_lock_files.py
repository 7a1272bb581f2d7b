"""The lock files pin all requirements of pyproject.toml, by hash and without URLs."""

import re
import tomllib
from pathlib import Path
from typing import cast

import pytest
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
EXTRAS = cast("dict[str, list[str]]", PROJECT["project"]["optional-dependencies"])
DEV = cast("list[str]", PROJECT["dependency-groups"]["dev"])


def pins(lock: str) -> dict[str, str]:
    text = (CHECKOUT / "locks" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("gateway.txt", EXTRAS["gateway"]),
        ("agents.txt", EXTRAS["agents"]),
        ("ops.txt", EXTRAS["ops"]),
        ("dev.txt", [*DEV, *(r for extra in EXTRAS.values() for r in extra)]),
    ],
)
def test_lock_file_satisfies_the_declared_requirements(lock: str, requirements: list[str]) -> None:
    pinned = pins(lock)
    for text in requirements:
        requirement = Requirement(text)
        version = pinned.get(requirement.name)
        assert version, f"{lock} has no {requirement.name}: run `make lock`"
        assert requirement.specifier.contains(version), f"{text} but locked {version}: `make lock`"


@pytest.mark.parametrize("lock", ["gateway.txt", "agents.txt", "ops.txt"])
def test_image_locks_use_the_tested_versions(lock: str) -> None:
    tested = pins("dev.txt")
    assert {name: tested[name] for name in pins(lock)} == pins(lock)


@pytest.mark.parametrize(
    "lock", ["gateway.txt", "agents.txt", "ops.txt", "dev.txt", "go.txt", "uv.txt"]
)
def test_lock_file_has_hashes_and_no_urls(lock: str) -> None:
    text = (CHECKOUT / "locks" / lock).read_text()
    assert text.count("--hash=sha256:") >= len(pins(lock)) > 0
    assert "://" not in text


def test_gateway_image_contains_no_operator_tools() -> None:
    assert not {n for n in pins("gateway.txt") if n.startswith(("pulumi", "boto", "typer"))}
