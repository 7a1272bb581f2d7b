"""GitHub workflows pass actionlint and zizmor. They were not run on GitHub."""

import re
import subprocess
import sys
from pathlib import Path

from seawall.testbed.kit import kit_here
from tests.conftest import CHECKOUT

FOLDER = CHECKOUT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    actionlint = kit_here().tool("actionlint") / "actionlint"
    config = f"-config-file={CHECKOUT / '.github' / 'actionlint.yaml'}"
    done = run(actionlint, config, *FILES)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(FILES[0].read_text().replace("runs-on", "run-on"))
    assert "run-on" in run(actionlint, config, wrong).stdout


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = run(zizmor, "--offline", "--no-progress", FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(re.sub("@[0-9a-f]{40}", "@v4", FILES[0].read_text()))
    assert run(zizmor, "--offline", "--no-progress", wrong).returncode != 0


def test_workflows_call_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for file in FILES:
        called = re.findall(r"- run: make ([a-z-]+)", file.read_text())
        assert called, file.name
        assert set(called) <= targets
