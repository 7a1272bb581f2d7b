"""What everybody waits for before anything happens: the import of the program."""

import subprocess
import sys

from tests.conftest import CHECKOUT
from tests.measured import measured

GOAL_S = 1.5
CODE = """
import sys, time
begun = time.perf_counter()
import infra.program
print(time.perf_counter() - begun, "pulumi_aws" in sys.modules)
"""


def test_the_program_is_imported_quickly_and_without_the_types_of_aws() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], check=True, capture_output=True, text=True, cwd=CHECKOUT
    )
    seconds, has_aws = done.stdout.split()
    measured(f"the program was imported in {float(seconds):.2f} s (goal {GOAL_S} s)")
    assert float(seconds) < 3 * GOAL_S
    assert has_aws == "False", "only environments with seawall:aws owe that import"
