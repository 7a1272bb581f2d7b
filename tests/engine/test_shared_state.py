"""A state in an S3 bucket that several machines use, with a real S3 server."""

import json
import socket
from collections.abc import Generator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from seawall.engine.errors import EngineError, ToolError, UpdateCutOff, UpdateRunning
from seawall.engine.orphans import end_orphaned_providers
from seawall.engine.state import backup_state, restore_state, unlock_state
from tests.engine.buckets import in_the_team, versioned_bucket
from tests.engine.chains import CLI, LENGTH, LONG, at_done, chain, kill, links, updating
from tests.object_store import ObjectStore

if TYPE_CHECKING:
    from conftest import Scratch
    from mypy_boto3_kms import KMSClient

pytestmark = pytest.mark.engine

LOCK = ".pulumi/locks/organization/seawall/test/other.json"
CHECKPOINT = ".pulumi/stacks/seawall/test.json"


@pytest.fixture(scope="module", autouse=True)
def in_the_environment(object_store: ObjectStore) -> Generator[None]:
    with in_the_team(object_store):
        yield


def share(scratch: "Scratch", store: ObjectStore) -> "Scratch":
    """Put the state into a bucket with the name of the namespace."""
    bucket = versioned_bucket(store, scratch.namespace)
    scratch.share_state(backend=store.url(bucket), secrets_provider="passphrase")
    return scratch


@pytest.fixture
def shared(scratch: "Scratch", object_store: ObjectStore) -> "Scratch":
    """A stack with its state in the bucket."""
    return share(scratch, object_store)


@pytest.fixture(scope="module")
def kept(module_scratch: "Scratch", object_store: ObjectStore) -> "Scratch":
    """A deployed chain with its state in the bucket, for tests that do not change it."""
    share(module_scratch, object_store)
    first = module_scratch.engine(chain(module_scratch), machine="first")
    assert first.snapshot().resources == 0, "a machine may look before anything was ever made"
    first.up()
    return module_scratch


def test_two_machines_share_one_stack(kept: "Scratch") -> None:
    first = kept.engine(chain(kept), machine="first")
    second = kept.engine(chain(kept), machine="second")
    assert second.snapshot().resources == LENGTH + 2
    assert second.up(refresh=True).changed == 0
    assert second.snapshot() == first.snapshot()
    assert not list(first.layout.files.rglob("*.json")), "the state is in the bucket only"


def test_second_update_of_a_shared_state_names_the_lock_holder(shared: "Scratch") -> None:
    with updating(shared, machine="first"):
        with pytest.raises(UpdateRunning) as caught:
            shared.engine(chain(shared), machine="second").up()
        assert f"@{socket.gethostname()}, process " in str(caught.value)
    assert links(shared) == LENGTH


def test_another_machine_continues_an_interrupted_update_after_unlock(
    shared: "Scratch", object_store: ObjectStore
) -> None:
    first = shared.engine(chain(shared, LONG), machine="first")
    with pytest.raises(UpdateCutOff):
        first.up(on_progress=at_done(5, lambda: kill(CLI, shared)))
    second = shared.engine(chain(shared, LONG), machine="second")
    with pytest.raises(UpdateRunning, match="seawall state unlock test"):
        second.up()  # a dead process of another container with this name looks just the same
    (held,) = unlock_state(second)
    assert held.hostname == socket.gethostname()
    assert second.up().recovered
    assert links(shared) == LONG
    held = object_store.client().list_objects_v2(Bucket=shared.namespace, Prefix=".pulumi/locks")
    assert held.get("KeyCount", 0) == 0
    # The second machine cannot end what the first one left running.
    end_orphaned_providers(first.layout)


def test_machine_continues_its_own_interrupted_update(shared: "Scratch") -> None:
    engine = shared.engine(chain(shared, LONG))
    with pytest.raises(UpdateCutOff):
        engine.up(on_progress=at_done(5, lambda: kill(CLI, shared)))
    assert shared.engine(chain(shared, LONG)).up().recovered
    assert links(shared) == LONG


def test_lock_of_another_machine_is_respected(kept: "Scratch", object_store: ObjectStore) -> None:
    entry = {"pid": 7, "username": "anna", "hostname": "ci", "timestamp": "2026-01-01T00:00:00Z"}
    client = object_store.client()
    client.put_object(Bucket=kept.namespace, Key=LOCK, Body=json.dumps(entry))
    with pytest.raises(UpdateRunning, match="anna@ci, process 7"):
        kept.engine(chain(kept)).up()
    client.delete_object(Bucket=kept.namespace, Key=LOCK)


def test_a_backup_of_a_shared_state_is_restored(kept: "Scratch") -> None:
    engine = kept.engine(chain(kept))
    copy = backup_state(engine)
    engine.destroy()
    restore_state(engine, copy)
    assert engine.snapshot().resources == LENGTH + 2
    assert engine.up().changes["create"] == LENGTH, "the objects are gone, and were made again"


def one_line(error: EngineError) -> str:
    text = str(error)
    assert "\n" not in text
    assert text.startswith("the state of test in s3://")
    return text


def test_a_damaged_state_in_the_bucket_is_one_line(
    kept: "Scratch", object_store: ObjectStore
) -> None:
    client = object_store.client()
    whole = client.get_object(Bucket=kept.namespace, Key=CHECKPOINT)["Body"].read()
    client.put_object(Bucket=kept.namespace, Key=CHECKPOINT, Body=b'{"ver')
    with pytest.raises(EngineError) as caught:
        kept.engine(chain(kept)).up()
    client.put_object(Bucket=kept.namespace, Key=CHECKPOINT, Body=whole)
    assert "failed to load checkpoint" in one_line(caught.value)


def test_refused_credentials_are_one_line(
    shared: "Scratch", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(EngineError) as caught:
        shared.engine(chain(shared)).up()
    assert "SignatureDoesNotMatch" in one_line(caught.value)
    assert "not-the-secret" not in str(caught.value)


def test_unreachable_bucket_is_one_line(shared: "Scratch") -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    gone = f"endpoint=http://127.0.0.1:{port}&s3ForcePathStyle=true"
    shared.share_state(backend=f"s3://b?region=us-east-1&{gone}")
    with pytest.raises(EngineError) as caught:
        shared.engine(chain(shared)).up()
    assert "connection refused" in one_line(caught.value)


@pytest.fixture
def moto_kms(monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """A mock of AWS' key service (moto), and the address of a key in it."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", endpoint)
    client: KMSClient = boto3.client(  # pyright: ignore[reportUnknownMemberType] - services without stubs
        "kms", endpoint_url=endpoint, region_name="us-east-1"
    )
    key = client.create_key()["KeyMetadata"]["KeyId"]
    yield f"awskms://{key}?region=us-east-1"
    server.stop()


def test_kms_key_replaces_the_passphrase(
    shared: "Scratch",
    object_store: ObjectStore,
    moto_kms: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    bucket = shared.namespace
    shared.share_state(backend=object_store.url(bucket), secrets_provider=moto_kms)
    first = shared.engine(chain(shared), ["word"], machine="first")
    first.up()
    second = shared.engine(chain(shared), machine="second")
    assert second.up(refresh=True).changed == 0
    body = object_store.client().get_object(Bucket=bucket, Key=CHECKPOINT)["Body"].read()
    assert json.loads(body)["checkpoint"]["latest"]["secrets_providers"]["type"] == "cloud"


def test_missing_passphrase_error_names_the_environment_variable(
    shared: "Scratch", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    with pytest.raises(ToolError, match="PULUMI_CONFIG_PASSPHRASE_FILE"):
        shared.engine(chain(shared)).up()
