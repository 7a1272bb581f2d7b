"""docs/reference/metrics.md: the gateway's metrics."""

import re

from contract import metrics as names
from tools.reference.markdown import GENERATED, cell, documented_constants, table

__all__ = ["metrics"]

_HEAD = """# Metrics of the gateway
{generated}
Each gateway pod answers at `/metrics` on port 8081. No label contains a user, a key or a prompt. A
metric or label that is renamed keeps its old name for one release.

"""


def metrics() -> str:
    """The page."""
    rows = [
        (f"`{name}`", cell(_meaning(text)), _labels(text))
        for name, text in documented_constants(names).items()
        if name.startswith("seawall_")
    ]
    return _HEAD.format(generated=GENERATED) + table(("metric", "meaning", "labels"), rows)


def _meaning(text: str) -> str:
    return text.partition("Labels: ")[0].strip()


def _labels(text: str) -> str:
    return cell(re.sub(r"\.$", "", text.partition("Labels: ")[2])) or "none"
