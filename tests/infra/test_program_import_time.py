"""The import time of the program, which delays every command."""

import subprocess
import sys

from tests.conftest import CHECKOUT
from tests.measured import measured

GOAL_S = 1.5
CODE = """
import sys, time
begun = time.process_time()
import infra.program
print(time.process_time() - begun, "pulumi_aws" in sys.modules)
"""


def test_program_imports_quickly_and_without_pulumi_aws() -> None:
    """The first import may compile modules, so one above the goal is measured again."""
    fastest = imported()
    if fastest > GOAL_S:
        fastest = min(fastest, imported())
    measured(f"the program was imported in {fastest:.2f} s of a core (goal {GOAL_S} s)")
    assert fastest < 3 * GOAL_S


def imported() -> float:
    """The CPU seconds of one import."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], check=True, capture_output=True, text=True, cwd=CHECKOUT
    )
    seconds, has_aws = done.stdout.split()
    assert has_aws == "False", "only environments with seawall:aws owe that import"
    return float(seconds)
