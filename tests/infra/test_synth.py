"""`synth` runs the program in this process and restores all global state."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks as runtime_mocks
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.proto import resource_pb2

from infra.parsing import ConfigError
from infra.synth import synth
from tests.infra.environments import Values, changed
from tests.measured import measured

LIMIT_S = 1.0


def traces() -> dict[str, Any]:
    return {
        "project": pulumi.get_project(),
        "stack": pulumi.get_stack(),
        "monitor": runtime_settings.get_monitor(),
        "engine": runtime_settings.get_engine(),
        "root": runtime_settings.get_root_resource(),
        "config": dict(runtime_config.CONFIG.get()),
        "threads": threading.active_count(),
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
    }


def test_synth_restores_global_state(values: Values) -> None:
    synth(values, env="first")
    gc.collect()
    before = traces()
    for _ in range(3):
        synth(values, env="other")
    gc.collect()
    assert traces() == before


def test_refused_synth_restores_global_state(values: Values) -> None:
    before = traces()
    with pytest.raises(ConfigError, match="is not known"):
        synth(changed(values, "gateway.x", 1), env="other")
    gc.collect()
    assert traces() == before


def test_synth_raises_program_errors_and_restores_global_state(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    before = traces()
    # The last step of the program: all resources are registered by then.
    monkeypatch.setattr("infra.stack.release_record", fails)
    with pytest.raises(ZeroDivisionError):
        synth(values, env="other")
    gc.collect()
    assert traces() == before


class Engine(runtime_mocks.MockMonitor):
    """A monitor that records the names that another program registers."""

    def __init__(self) -> None:
        super().__init__(cast("pulumi.runtime.Mocks", None))
        self.names: list[str] = []

    def RegisterResource(  # noqa: N802 - Pulumi's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        self.names.append(request.name)
        return resource_pb2.RegisterResourceResponse(
            urn=self.make_urn(request.parent, request.type, request.name)
        )


def test_synth_inside_another_pulumi_program_leaves_that_program_intact(values: Values) -> None:
    engine = Engine()

    def declare() -> None:
        pulumi.ComponentResource("own:index:Thing", f"{pulumi.get_stack()}-before")
        synth(values, env="other")
        name = f"{pulumi.get_stack()}-{pulumi.Config('own').require('key')}-after"
        pulumi.ComponentResource("own:index:Thing", name)

    def program() -> None:
        pulumi.runtime.set_mocks(engine.mocks, project="own", stack="mine", monitor=engine)
        runtime_config.set_all_config({"own:key": "value"})
        cast("Callable[[], None]", pulumi.runtime.test(declare))()  # pyright: ignore[reportUnknownMemberType] - untyped

    in_a_thread(program)
    assert engine.names == ["own-mine", "mine-before", "mine-value-after"]


def in_a_thread(work: Callable[[], None]) -> None:
    """Run in a thread, so that the state of Pulumi's mocks does not reach other tests."""
    raised: list[BaseException] = []

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried over to the test's thread
            raised.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def test_synth_is_fast(values: Values) -> None:
    synth(values, env="first")
    begun = time.perf_counter()
    synth(values, env="second")
    took = time.perf_counter() - begun
    measured(f"synth took {took:.2f} s (goal: {LIMIT_S:g} s)")
    assert took < 3 * LIMIT_S


def test_synth_reports_components_protection_and_secrets(values: Values) -> None:
    made = {item.title: item for item in synth(changed(values, "protect", value=True), env="any")}
    assert "Gateway gateway" in made
    assert made["StatefulSet redis"].protect
    assert not made["Deployment gateway"].protect
    assert made["Secret gateway-secrets"].sealed == {"stringData"}
    assert made["Deployment gateway"].sealed == frozenset()
