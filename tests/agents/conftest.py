"""Fixtures of the backup tests."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.agents.backup_kit import Job, running_job
from tests.object_store import ObjectStore


@pytest.fixture
def job(tmp_path: Path, object_store: ObjectStore) -> Generator[Job]:
    with running_job(tmp_path, object_store) as running:
        yield running


@pytest.fixture
def earlier(job: Job) -> list[str]:
    """Keys of two expired copies; a failed run must not remove them."""
    return sorted([job.put(timedelta(days=8)), job.put(timedelta(days=400))])
