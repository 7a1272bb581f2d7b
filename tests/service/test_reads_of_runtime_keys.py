"""Reads of the runtime keys that are slow, or run at the same time; a store in this process."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.state.key_ring import KeyRing
from service.state.runtime_keys import RuntimeKeys
from tests.service.kit import write_keys

ASKED_S = 5


class SlowStore:
    """A store that answers a read with the data of its start, once the test allows the answer."""

    def __init__(self) -> None:
        self.fields: dict[str, bytes] = {}
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.answer.set()

    async def read_hash(self, key: str) -> Mapping[str, bytes]:
        del key
        found = dict(self.fields)
        self.asked.set()
        await self.answer.wait()
        return found

    async def write_hash(self, key: str, field: str, value: bytes) -> bool:
        del key
        self.fields[field] = value
        return True

    async def forget_fields(self, key: str, fields: Sequence[str]) -> None:
        del key, fields


async def test_slow_read_does_not_restore_a_deleted_key(tmp_path: Path) -> None:
    file = tmp_path / "api-keys.json"
    write_keys(file)
    ring, store = KeyRing(file), SlowStore()
    runtime_keys = RuntimeKeys(store, ring)
    key = await runtime_keys.make({"tenant": "shop"}, "root")
    store.asked.clear()
    store.answer.clear()
    watching = asyncio.create_task(runtime_keys.watch())
    await store.asked.wait()
    held, store.answer = store.answer, asyncio.Event()
    store.answer.set()
    await runtime_keys.delete(str(key["id"]), "root")
    held.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ring.find(str(key["key"])) is None
    watching.cancel()


async def test_slow_read_of_a_list_does_not_replace_a_newer_read(tmp_path: Path) -> None:
    file = tmp_path / "api-keys.json"
    write_keys(file)
    ring, store = KeyRing(file), SlowStore()
    here, elsewhere = RuntimeKeys(store, ring), RuntimeKeys(store, KeyRing(file))
    key = await elsewhere.make({"tenant": "shop"}, "root")
    store.asked.clear()
    store.answer.clear()
    listing = asyncio.create_task(here.listed())
    async with asyncio.timeout(ASKED_S):
        await store.asked.wait()
    held, store.answer = store.answer, asyncio.Event()
    store.answer.set()
    await elsewhere.delete(str(key["id"]), "root")
    await here.refresh()
    held.set()
    assert await listing == []
    assert ring.find(str(key["key"])) is None


async def test_key_of_another_replica_is_listed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "api-keys.json"
    write_keys(file)
    store = SlowStore()
    first, second = RuntimeKeys(store, KeyRing(file)), RuntimeKeys(store, KeyRing(file))
    key = await first.make({"tenant": "shop"}, "root")
    assert [one["id"] for one in await second.listed()] == [key["id"]]
    await first.delete(str(key["id"]), "root")
    assert await second.listed() == []
