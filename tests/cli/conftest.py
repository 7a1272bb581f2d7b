import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import CHECKOUT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment on an existing cluster."""
    folder = tmp_path / "checkout"
    skipped = shutil.ignore_patterns("__pycache__")
    for room in ("agents", "contract", "infra", "monitoring", "seawall", "service", "simulator"):
        shutil.copytree(CHECKOUT / room, folder / room, ignore=skipped)
    shutil.copy(CHECKOUT / "Pulumi.yaml", folder)
    document = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    document["config"]["seawall:kubernetes"]["cluster"] = "existing"
    (folder / "Pulumi.qa.yaml").write_text(yaml.safe_dump(document))
    return folder
