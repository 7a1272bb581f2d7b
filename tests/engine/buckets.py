"""Buckets for states that several machines share, and the people who share them."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.object_store import ObjectStore


@contextmanager
def in_the_team(store: ObjectStore) -> Generator[None]:
    """Inside the block the environment's variables are those of somebody who may use the state."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PULUMI_CONFIG_PASSPHRASE", "of-the-team")
        for name, value in store.credentials.items():
            patched.setenv(name, value)
        yield


def versioned_bucket(store: ObjectStore, name: str) -> str:
    """Make one, and return its name."""
    client = store.client()
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name
