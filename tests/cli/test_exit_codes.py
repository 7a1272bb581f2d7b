"""Exit codes and last lines of `seawall`, with a fake kubectl.

The tests of the unknown option, of Ctrl-C and of preserved exit codes start an interpreter; the
other tests fork.
"""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from seawall.cli.inspection import check_component
from seawall.common.errors import UsageError
from seawall.common.wait import wait_until
from tests.cli.kit import seawall
from tests.conftest import CHECKOUT, INTERRUPTIBLE, SEAWALL, run_seawall

pytestmark = [pytest.mark.servers]

PODS = "*pods*) echo 'gateway redis gateway'; exit 0;;"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


@pytest.fixture
def variables(tmp_path: Path, tools: Path) -> Mapping[str, str]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    return {
        "SEAWALL_HOME": str(tmp_path / "home"),
        "SEAWALL_CACHE": str(tmp_path / "cache"),
        "KUBECONFIG": str(kubeconfig),
        "PATH": f"{tools}:{os.environ['PATH']}",
    }


def fake_kubectl(tools: Path, text: str) -> None:
    program = tools / "kubectl"
    program.write_text(text)
    program.chmod(0o755)


def test_unknown_option_prints_the_usage_and_exits_with_2(variables: Mapping[str, str]) -> None:
    done = run_seawall("status", "--nonsense", variables=variables)
    assert done.returncode == 2
    assert "Usage: seawall status" in done.stderr
    assert "--nonsense" in done.stderr


def test_invalid_argument_is_one_line_and_exits_with_2(variables: Mapping[str, str]) -> None:
    done = seawall("env", "new", "Upper", variables=variables)
    assert done.returncode == 2
    assert done.stderr.startswith("seawall: environment 'Upper': a name has small letters")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [("images.gatway=x", "seawall:images.gatway"), ("gateway.replicas.min=99", "min = 99")],
)
def test_new_environment_with_an_invalid_value_leaves_no_file(
    variables: Mapping[str, str], change: str, told: str
) -> None:
    done = seawall("env", "new", "wrong", "--set", change, variables=variables)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (CHECKOUT / "Pulumi.wrong.yaml").exists()


def test_operating_system_error_is_one_line_and_exits_with_1(
    tools: Path, variables: Mapping[str, str]
) -> None:
    fake_kubectl(tools, "\x7f no program")
    done = seawall("logs", "dev", variables=variables)
    assert done.returncode == 1
    assert done.stderr == f"seawall: {tools}/kubectl cannot be used: Exec format error\n"


def test_ctrl_c_prints_how_to_continue_and_exits_with_130(
    tmp_path: Path, tools: Path, variables: Mapping[str, str]
) -> None:
    mark = tmp_path / "waiting"
    fake_kubectl(tools, f"#!/bin/sh\ntouch {mark}\nexec sleep 60\n")
    process = subprocess.Popen(
        [*INTERRUPTIBLE, SEAWALL, "logs", "dev"],
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(mark.exists, deadline_s=30, what="the command to wait for kubectl")
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert told == "seawall: interrupted; run the same command again to continue\n"
    assert process.returncode == 130


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_of_a_command_is_kept(code: int) -> None:
    program = (
        "import typer; from seawall.cli import main; from seawall.cli.app import app\n"
        "@app.command()\n"
        f"def differs() -> None: raise typer.Exit({code})\n"
        "main()"
    )
    python = SEAWALL.with_name("python")
    done = subprocess.run(
        [python, "-c", program, "differs"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, "")


def test_unknown_component_exits_with_2_and_lists_the_existing_ones(
    tools: Path, variables: Mapping[str, str]
) -> None:
    fake_kubectl(tools, f'#!/bin/sh\ncase "$*" in {PODS} esac\n')
    done = seawall("logs", "dev", "nosuch", variables=variables)
    assert done.returncode == 2
    assert done.stderr == (
        "seawall: dev has no pod of a component 'nosuch'; there are: gateway, redis\n"
    )


def test_logs_of_an_existing_component_are_printed(
    tools: Path, variables: Mapping[str, str]
) -> None:
    fake_kubectl(tools, f'#!/bin/sh\ncase "$*" in {PODS} *logs*) echo "$*";; esac\n')
    done = seawall("logs", "dev", "redis", variables=variables)
    assert done.returncode == 0
    assert "logs --selector=app.kubernetes.io/name=redis" in done.stdout


def test_component_must_match_a_whole_name() -> None:
    check_component("redis", ["redis"], env="dev")
    for wrong in ("red", "redis,track=stable", ""):
        with pytest.raises(UsageError, match=r"there are: redis$"):
            check_component(wrong, ["redis"], env="dev")
    with pytest.raises(UsageError, match="there are: none; `seawall up dev` deploys it"):
        check_component("redis", [], env="dev")
