"""Buckets for states that several machines share, and the credentials of their users."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.object_store import ObjectStore


@contextmanager
def in_the_team(store: ObjectStore) -> Generator[None]:
    """Set the environment variables of a user who may use the state, until the end of the block."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PULUMI_CONFIG_PASSPHRASE", "of-the-team")
        for name, value in store.credentials.items():
            patched.setenv(name, value)
        yield


def versioned_bucket(store: ObjectStore, name: str) -> str:
    """Create a bucket with versioning, and return its name."""
    client = store.client()
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name
