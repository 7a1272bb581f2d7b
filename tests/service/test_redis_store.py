import logging
from pathlib import Path

import pytest

from service.errors import StateUnavailable
from service.files import SecretFile
from service.resilience.gcra import Limit
from service.settings import RedisState
from service.state.redis_client import FileCredentials
from service.state.redis_store import RedisStore


async def test_async_credentials_are_read_without_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "password"
    path.write_text("hunter2", encoding="utf-8")
    credentials = FileCredentials("app", SecretFile(path))
    with caplog.at_level(logging.WARNING):
        assert await credentials.get_credentials_async() == ("app", "hunter2")
    assert not caplog.records


@pytest.mark.parametrize("error", [RuntimeError("x"), ValueError("x"), AttributeError("x")])
async def test_any_redis_library_error_becomes_state_unavailable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store = RedisStore(RedisState(kind="redis", sentinels=("127.0.0.1:1",)), folder)

    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(store.client, "run", fail)
    with pytest.raises(StateUnavailable, match="other"):
        await store.take("key", Limit(1, 1))
    await store.close()
