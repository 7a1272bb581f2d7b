"""A gateway of the previous release reads the files that this release writes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.components.gateway.files import api_keys_file, settings_file
from infra.parsing import parse
from seawall.common.wait import wait_until
from tests.infra.environments import changed
from tests.service.kit import answers
from tests.support.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
PREVIOUS = "eb7ac2e"
"""The last commit whose gateway reads only the earlier form."""
START_S = 30.0

pytestmark = [pytest.mark.servers]


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, check=False)


@pytest.fixture
def previous_gateway(tmp_path: Path) -> Path:
    """A folder with the code of the previous release's gateway."""
    archive = git("archive", PREVIOUS, "service", "contract")
    if archive.returncode:
        pytest.skip(f"this clone has no commit {PREVIOUS}: `git fetch --unshallow` brings it")
    folder = tmp_path / "previous"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


def test_gateway_of_the_previous_release_starts_with_the_files_of_this_release(
    values: dict[str, Any], previous_gateway: Path, tmp_path: Path
) -> None:
    model = {
        "targets": [
            {"provider": "alpha", "model": "a", "priority": 1, "weight": 9, "lacks": ["tools"]},
            {"provider": "beta", "model": "b", "priority": 1, "weight": 1},
        ],
        "fallbacks": ["fast"],
        "timeouts": {"headers": "1500ms", "answer": "10m"},
    }
    gateway = parse(changed(values, "gateway.models.slow", model)).gateway
    settings = json.loads(
        settings_file(gateway, redis_hosts=["127.0.0.1"], master="seawall", reload=True)
    )
    port, health = free_port(), free_port()
    settings["listen"] = {"host": "127.0.0.1", "port": port}
    settings["health"] = {"host": "127.0.0.1", "port": health}
    settings["secrets_dir"] = str(tmp_path)
    (tmp_path / "gateway.yaml").write_text(json.dumps(settings))
    hashes = dict.fromkeys(gateway.api_keys, "0" * 64)
    keys = api_keys_file(gateway.api_keys, hashes, revoked=["made-1"])
    (tmp_path / settings["api_keys_file"]).write_text(keys)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=previous_gateway,
            env={**os.environ, "SEAWALL_CONFIG": str(tmp_path / "gateway.yaml")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def lives() -> bool:
        assert process.poll() is None, log.read_text()
        return answers(f"http://127.0.0.1:{health}/health/live")

    try:
        wait_until(lives, deadline_s=START_S, what="the previous gateway to live")
    finally:
        process.kill()
        process.wait()
