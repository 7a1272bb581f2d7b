"""Forked programs behave like programs that an interpreter starts."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import Gateway, Simulator
from tests.support.forked import SERVICES, ForkedProgram

pytestmark = [pytest.mark.servers]


def run(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> ForkedProgram:
    program = folder / "forked_once.py"
    program.write_text(text)
    with (folder / "log").open("wb") as log:
        streams = (log.fileno(), log.fileno(), log.fileno())
        return SERVICES.start(
            [str(program), "a word"], environment or {}, streams=streams, folder=folder
        )


@pytest.mark.parametrize(
    ("text", "code", "printed"),
    [
        ("", 0, ""),
        ("import sys\nsys.exit(7)", 7, ""),
        ("import sys\nsys.exit('in one line')", 1, "in one line\n"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("import atexit\natexit.register(print, 'at last')", 0, "at last\n"),
        (
            "import os, sys\nprint(sys.argv[1], __name__, dict(os.environ))",
            0,
            "a word __main__ {}\n",
        ),
    ],
)
def test_forked_program_exits_and_prints_like_a_started_one(
    folder: Path, text: str, code: int, printed: str
) -> None:
    assert run(folder, text).wait(10) == code
    assert (folder / "log").read_text() == printed


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_forked_program_is_ended_by_the_signal_sent_to_it(
    folder: Path, end: signal.Signals
) -> None:
    program = run(folder, "import signal\nprint('here', flush=True)\nsignal.pause()")
    wait_until((folder / "log").read_text, deadline_s=10, what="its word", interval_s=0.02)
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0.1)
    program.send_signal(end)
    assert program.wait(10) == -end


def test_programs_are_forked_only_with_the_same_import_environment() -> None:
    here = dict(os.environ)
    assert SERVICES.may_start({**here, "SEAWALL_CONFIG": "elsewhere"})
    assert not SERVICES.may_start({**here, "PYTHONPATH": "elsewhere"})
    assert not SERVICES.may_start({name: here[name] for name in here if name != "PATH"})


def test_forked_gateways_do_not_share_random_state(
    folder: Path, gateway: Gateway, simulators: tuple[Simulator, Simulator]
) -> None:
    other = Gateway(folder, simulators)
    try:
        first, second = (one.chat().headers["x-request-id"] for one in (gateway, other))
    finally:
        other.stop()
    assert first != second
