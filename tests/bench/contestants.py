"""The compared gateways and how each one starts: with one worker, all on the same core."""

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.bench.peers import LITELLM, PORTKEY, litellm_program, portkey_program
from tests.bench.processes import PinnedProcess, answers_on
from tests.service.kit import API_KEY, key_entry, write_keys
from tests.service.redis_kit import RedisUnderTest
from tests.support.ports import free_port

__all__ = ["CONTESTANTS", "Contestant", "Place", "Running"]

START_S = 120.0
"""On a slow core, the imports of LiteLLM's proxy take half a minute."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant runs: its folder, its core, the other core, and its upstream."""

    folder: Path
    core: int
    other_core: int
    upstream: str
    """The URL without /v1."""


@dataclass(slots=True)
class Running:
    """A running contestant."""

    process: PinnedProcess
    port: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The headers that clients send in addition to the key."""
    redis: RedisUnderTest | None = None

    def stop(self) -> None:
        """End the process and the Redis servers that were started for it."""
        self.process.stop()
        if self.redis is not None:
            self.redis.stop()


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of the result."""

    name: str
    note: str
    start: Callable[[Place], Running]


def _raw(place: Place) -> Running:
    port = free_port()
    arguments = ["-m", "uvicorn", "tests.bench.raw_pass_through:app", "--port", str(port)]
    options = ["--no-access-log", "--loop", "uvloop", "--http", "httptools", "--log-level=error"]
    process = PinnedProcess(
        [sys.executable, *arguments, *options],
        core=place.core,
        log=place.folder / "log",
        env={"BENCH_UPSTREAM": place.upstream},
    )
    process.wait_for(answers_on(port), deadline_s=START_S, what="the raw pass-through")
    return Running(process, port)


def _gateway(place: Place, state: Mapping[str, object], redis: RedisUnderTest | None) -> Running:
    port, health = free_port(), free_port()
    write_keys(
        place.folder / "api-keys.json",
        key_entry(requests_per_second=1_000_000, burst=1_000_000),
    )
    document = {
        "listen": {"host": "127.0.0.1", "port": port},
        "health": {"host": "127.0.0.1", "port": health},
        "state": state,
        "secrets_dir": str(place.folder),
        "providers": {
            "mock": {"kind": "openai-compatible", "base_url": f"{place.upstream}/v1"},
        },
        "models": {"bench": {"targets": [{"provider": "mock", "model": "bench"}]}},
    }
    config = place.folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    process = PinnedProcess(
        [sys.executable, "-m", "service"],
        core=place.core,
        log=place.folder / "log",
        env={"SEAWALL_CONFIG": str(config)},
    )
    process.wait_for(answers_on(health, "/health/ready"), deadline_s=START_S, what="the gateway")
    return Running(process, port, redis=redis)


def _bare(place: Place) -> Running:
    return _gateway(place, {"kind": "memory"}, None)


def _governed(place: Place) -> Running:
    redis = RedisUnderTest(place.folder)
    redis.wait_until_up()
    redis.pin(place.other_core)
    return _gateway(place, redis.settings(place.folder), redis)


def _litellm(place: Place) -> Running:
    port = free_port()
    target = {"model": "openai/bench", "api_base": f"{place.upstream}/v1", "api_key": "sk-mock"}
    document = {
        "model_list": [{"model_name": "bench", "litellm_params": target}],
        "litellm_settings": {"num_retries": 0, "telemetry": False},
        "general_settings": {"master_key": API_KEY},
    }
    config = place.folder / "litellm.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    process = PinnedProcess(
        [str(litellm_program()), "--config", str(config), "--port", str(port), "--num_workers=1"],
        core=place.core,
        log=place.folder / "log",
        # The LiteLLM documentation advises these for production; the price list is in the package.
        env={
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
    )
    ready = answers_on(port, "/health/liveliness")
    process.wait_for(ready, deadline_s=START_S, what="LiteLLM")
    return Running(process, port)


def _portkey(place: Place) -> Running:
    port = free_port()
    program = portkey_program()
    process = PinnedProcess(
        [shutil.which("node") or "node", str(program), f"--port={port}", "--headless"],
        core=place.core,
        log=place.folder / "log",
        env={},
    )
    process.wait_for(answers_on(port), deadline_s=START_S, what="Portkey")
    headers = {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"{place.upstream}/v1",
    }
    return Running(process, port, headers)


CONTESTANTS = (
    Contestant("raw", "raw ASGI on uvicorn + aiohttp, passes bytes on, checks nothing", _raw),
    Contestant("bare", "Seawall: key, routing, breaker, metrics, log; no Redis", _bare),
    Contestant("governed", "Seawall: the same, and limits in Redis by Sentinel", _governed),
    Contestant("portkey", f"Portkey gateway {PORTKEY} (node), passes on, no key check", _portkey),
    Contestant("litellm", f"LiteLLM proxy {LITELLM}, one worker, master key only", _litellm),
)
