"""Every stage has its place in the pipeline, and newcomers find it."""

import pkgutil
from pathlib import Path

from service.pipeline import order, stages

CONCEPTS = Path(__file__).resolve().parents[2] / "docs" / "concepts.md"


def test_every_stage_has_a_place() -> None:
    placed = {
        stage
        for stages_of_a_route in (order.TRACED_CHAT, order.MODELS, order.HEALTH, order.ADMIN)
        for stage in stages_of_a_route
    }
    modules = {name for _, name, _ in pkgutil.iter_modules(stages.__path__)}
    assert modules == {stage.__module__.rpartition(".")[2] for stage in placed}


def test_every_stage_of_a_chat_request_is_explained() -> None:
    rows = [
        line.split("|")[2].strip()
        for line in CONCEPTS.read_text("utf-8").splitlines()
        if "| `" in line
    ]
    files = [f"`{stage.__module__.rpartition('.')[2]}.py`" for stage in order.CHAT]
    assert [row for row in rows if row in files] == files
