"""The gateway on a developer's machine: no Redis, no cluster, two simulated providers.

It serves to try the API. It keeps its limits in memory. Its providers are simulators, which run in
threads of this process and say in every answer that they are simulators.
"""

import asyncio
import hashlib
import json
import secrets
import socket
import sys
import tempfile
import threading
from pathlib import Path

from contract.gateway_config import Model, Shutdown, Target
from contract.paths import API_KEYS_FILE
from contract.values.durations import Duration
from service.errors import SettingsError
from service.http.server import EXIT_SETTINGS, run
from service.settings import Health, Listen, Provider, Settings
from service.telemetry.log import RequestLog, configure_logging
from simulator.server import ProviderSimulator, SimulatorOptions

__all__ = ["serve"]

_LOOPBACK = "127.0.0.1"
_NAMES = ("alpha", "beta")


def _start_simulator(name: str) -> tuple[int, int]:
    """Start a simulator in a thread; returns its API port and its admin port."""
    http = socket.create_server((_LOOPBACK, 0), backlog=1024)
    admin = socket.create_server((_LOOPBACK, 0))
    simulator = ProviderSimulator(SimulatorOptions(name=name), http=http, admin=admin)
    threading.Thread(target=asyncio.run, args=(simulator.run(),), name=name, daemon=True).start()
    return http.getsockname()[1], admin.getsockname()[1]


def _settings(host: str, port: int, folder: Path, ports: dict[str, int]) -> Settings:
    targets = tuple(Target(provider=name, model="sim-small") for name in ports)
    return Settings(
        listen=Listen(host=host, port=port),
        # Any free port: only a cluster uses the probes, and they must not occupy a port here.
        health=Health(host=_LOOPBACK, port=0),
        shutdown=Shutdown(serve=Duration.parse("0s"), grace=Duration.parse("6s")),
        secrets_dir=folder,
        providers={
            name: Provider(kind="openai-compatible", base_url=f"http://{_LOOPBACK}:{at}/v1")
            for name, at in ports.items()
        },
        models={"fast": Model(targets=targets)},
    )


def _write_keys(folder: Path, key: str) -> None:
    entry = {
        "id": "developer",
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "tenant": "developer",
        "admin": True,
    }
    (folder / API_KEYS_FILE).write_text(json.dumps({"keys": [entry]}), encoding="utf-8")


def _welcome(host: str, port: int, key: str, admins: dict[str, int]) -> str:
    shown = _LOOPBACK if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    question = '{"model": "fast", "messages": [{"role": "user", "content": "hello"}]}'
    curl = (
        f"curl http://{shown}:{port}/v1/chat/completions -H 'authorization: Bearer {key}' "
        f"-H 'content-type: application/json' -d '{question}'"
    )
    fault = '{"kind": "status", "code": 500}'
    return "\n".join(
        (
            f"Seawall gateway on http://{shown}:{port}/v1, in front of two provider simulators.",
            f"API key, for this run only: {key}",
            "Try:",
            f"  {curl}",
            "Make the first provider fail, and ask again:",
            f"  curl -X PUT http://{_LOOPBACK}:{admins['alpha']}/fault -d '{fault}'",
            "Ctrl+C stops everything.",
        )
    )


def serve(host: str, port: int) -> int:
    """Serve until Ctrl+C or SIGTERM.

    Prints the API key and a curl line on standard output; the log goes to standard error.

    Returns:
        The exit code: 0, or 2 after one line on standard error when the port is taken.
    """
    configure_logging(sys.stderr)
    key = f"sk-seawall-{secrets.token_urlsafe(24)}"
    with tempfile.TemporaryDirectory(prefix="seawall-serve-") as name:
        folder = Path(name)
        _write_keys(folder, key)
        simulators = {provider: _start_simulator(provider) for provider in _NAMES}
        ports = {provider: http for provider, (http, _) in simulators.items()}
        admins = {provider: admin for provider, (_, admin) in simulators.items()}
        welcome = _welcome(host, port, key, admins)
        try:
            run(
                _settings(host, port, folder, ports),
                log=RequestLog(sys.stderr),
                on_started=lambda: print(welcome, flush=True),  # noqa: T201 - the user reads it
            )
        except SettingsError as error:
            print(f"seawall serve: {error}", file=sys.stderr)  # noqa: T201 - same
            return EXIT_SETTINGS
    return 0
