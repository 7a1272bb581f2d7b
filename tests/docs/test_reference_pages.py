"""The pages of docs/reference/ match the code."""

import re
from pathlib import Path

import pytest

from contract import metrics as metric_names
from service.telemetry.metrics import Metrics
from tools.reference.environment_variables import VARIABLES
from tools.reference.errors import errors, leaves
from tools.reference.markdown import documented_constants
from tools.reference.pages import PAGES

CHECKOUT = Path(__file__).resolve().parents[2]
PRODUCT = ("agents", "contract", "infra", "seawall", "service", "simulator")


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_up_to_date(name: str) -> None:
    committed = (CHECKOUT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run: make docs"


def test_every_metric_of_the_gateway_is_documented() -> None:
    registry = Metrics(routes=("chat_completions",), providers={}).registry
    served = {family.name for family in registry.collect()}
    documented = documented_constants(metric_names)
    plain = {name.removesuffix("_total") for name in documented if name.startswith("seawall_")}
    assert served == plain
    assert all(documented.values())


def test_every_error_has_a_row() -> None:
    codes = {error.code for error in leaves() if error.code}
    assert {"rate_limit_exceeded", "deadline_exceeded", "model_not_found"} <= codes
    assert all(f"`{code}`" in errors() for code in codes)


def test_every_environment_variable_is_documented() -> None:
    files = [CHECKOUT / "compose.yaml"]
    for folder in PRODUCT:
        files += (CHECKOUT / folder).rglob("*.py")
    used = {
        name
        for file in files
        for name in re.findall(r"\bSEAWALL_[A-Z_]*[A-Z]\b", file.read_text("utf-8"))
    }
    assert used == VARIABLES
