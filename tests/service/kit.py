"""Real processes for the gateway's tests: gateways, simulators, and a plain HTTP client."""

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from seawall.common.wait import wait_until
from tests.support.constant_load import ConstantLoad
from tests.support.forked import SERVICES, ForkedProgram
from tests.support.ports import free_port

API_KEY = "sk-test-0123456789"
START_S = 20.0
HTTP_TIMEOUT_S = 15.0
PATIENCE_S = 10.0
"""Answer timeout of constant load in tests that promise no failures, not speed."""

FAST_TIMEOUTS = {
    "connect": "1s",
    "headers": "1s",
    "first_content": "1s",
    "gap": "1s",
    "answer": "1s",
}
"""For tests of timeouts only: on a busy machine, healthy answers need longer timeouts."""
PATIENT_TIMEOUTS = {
    "connect": "5s",
    "headers": "5s",
    "first_content": "5s",
    "gap": "5s",
    "answer": "15s",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON is whatever the test says
        return json.loads(self.body)

    def events(self) -> list[str]:
        """The data of each server-sent event."""
        found = self.body.decode().split("\n\n")
        return [event.removeprefix("data: ") for event in found if event]


def http_request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.netloc), timeout=HTTP_TIMEOUT_S)
    try:
        connection.request(method, parts.path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


def answers(url: str) -> bool:
    try:
        return http_request("GET", url).status == 200
    except OSError:
        return False


class ProcessUnderTest:
    """A Python module that runs as its own process, with its output in a file.

    It is forked from a process that has imported the module. With `fresh` it is started by
    `python -m`, as users and containers start it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        *,
        fresh: bool = False,
    ) -> None:
        self._log = log
        variables = {**os.environ, **environment}
        self._process: ForkedProgram | subprocess.Popen[bytes]
        with log.open("wb") as output, Path(os.devnull).open("rb") as nothing:
            if not fresh and SERVICES.may_start(variables):
                streams = (nothing.fileno(), output.fileno(), output.fileno())
                self._process = SERVICES.start(arguments, variables, streams=streams)
                return
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=variables,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def rss_mib(self) -> float:
        """The current resident memory in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def lines(self, word: str, *, at_least: int = 1) -> list[str]:
        """Wait for this many lines with `word`, which are written some ms later; return them."""

        def found() -> list[str]:
            return [line for line in self.output.splitlines() if word in line]

        what = f"{at_least} lines with {word}"
        wait_until(lambda: len(found()) >= at_least, deadline_s=5, what=what, interval_s=0.02)
        return found()

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_for_exit(self, deadline_s: float) -> int:
        return self._process.wait(timeout=deadline_s)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def wait_for(self, url: str) -> None:
        def up() -> bool:
            assert self._process.poll() is None, self.output
            return answers(url)

        wait_until(up, deadline_s=START_S, what=f"{url} to answer", interval_s=0.02)


class Simulator(ProcessUnderTest):
    """A simulated provider."""

    def __init__(self, name: str, folder: Path, *options: str, fresh: bool = False) -> None:
        self.name = name
        self.port = free_port()
        self._admin = f"http://127.0.0.1:{free_port()}"
        ports = ["--port", str(self.port), "--admin-port", self._admin.rsplit(":", 1)[1]]
        super().__init__(
            ["simulator", "--name", name, "--host", "127.0.0.1", *ports, *options],
            folder / f"{name}.log",
            {},
            fresh=fresh,
        )
        self.wait_for(self._admin + "/state")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def fault(self, kind: str, **parameters: float | str | None) -> None:
        answer = self.put_fault({"kind": kind, **parameters})
        assert answer.status == 200, answer.body

    def put_fault(self, wanted: object) -> Answer:
        return http_request("PUT", self._admin + "/fault", json.dumps(wanted).encode())

    def heal(self) -> None:
        assert http_request("DELETE", self._admin + "/fault").status == 200

    def state(self) -> Any:  # noqa: ANN401 - same as Answer.json
        return http_request("GET", self._admin + "/state").json()

    def requests(self) -> int:
        count: int = self.state()["requests"]
        return count


def provider_of(simulator: Simulator, kind: str) -> dict[str, object]:
    """Settings of the simulator as a provider of that kind; it needs no key."""
    return {"kind": kind, "base_url": simulator.base_url}


def patient_load(url: str, *, rate: float) -> ConstantLoad:
    """Constant load, half of it streamed, for tests that promise no failures, not speed."""
    return ConstantLoad(
        url=url,
        api_key=API_KEY,
        model="model-0",
        rate=rate,
        streamed_share=0.5,
        timeout_s=PATIENCE_S,
    )


def key_entry(key: str = API_KEY, /, **changes: object) -> dict[str, object]:
    return {
        "id": "test",
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "tenant": "test",
        "requests_per_second": 10_000,
        "burst": 10_000,
        **changes,
    }


def write_keys(path: Path, *entries: dict[str, object]) -> None:
    """Replace the file atomically, as Kubernetes does."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": entries}), encoding="utf-8")
    fresh.replace(path)


class Gateway(ProcessUnderTest):
    """A gateway in front of these simulators; every test can have its own model."""

    def __init__(
        self,
        folder: Path,
        simulators: Sequence[Simulator],
        *,
        keys: Sequence[dict[str, object]] = (),
        models: int = 1,
        named_models: Mapping[str, object] | None = None,
        name: str = "gateway",
        wait: bool = True,
        fresh: bool = False,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.health_port = free_port()
        self.keys_file = folder / "api-keys.json"
        write_keys(self.keys_file, *(keys or [key_entry()]))
        self._document: dict[str, object] = {
            "listen": {"host": "127.0.0.1", "port": self.port},
            "health": {"host": "127.0.0.1", "port": self.health_port},
            "shutdown": {"serve": "200ms", "grace": "8s"},
            "timeouts": PATIENT_TIMEOUTS,
            # A test of failures sees the failure, not a stored answer.
            "degradation": {"stale_answers": "0s"},
            "secrets_dir": str(folder),
            "providers": {
                simulator.name: provider_of(simulator, "openai-compatible")
                for simulator in simulators
            },
            "models": named_models
            or {
                f"model-{number}": {
                    "targets": [
                        {"provider": simulator.name, "model": f"sim-{number}"}
                        for simulator in simulators
                    ]
                }
                for number in range(models)
            },
            **settings,
        }
        self.config = folder / f"{name}.yaml"
        self.reconfigure()
        super().__init__(
            ["service"],
            folder / f"{name}.log",
            {"SEAWALL_CONFIG": str(self.config)},
            fresh=fresh,
        )
        if wait:
            self.wait_until_ready()

    def reconfigure(self, **changes: object) -> None:
        """Replace the settings file by one with other sections."""
        self._document |= changes
        self.configure(yaml.safe_dump(self._document))

    def configure(self, text: str) -> None:
        """Replace the settings file by this text."""
        fresh = self.config.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.config)

    def wait_until_ready(self) -> None:
        self.wait_for(self.health_url("/health/ready"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def health_url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.health_port}{path}"

    def health(self, path: str) -> Answer:
        return http_request("GET", self.health_url(path))

    def metric(self, line_start: str) -> float:
        """The value of the metric line with this prefix; 0 without such a line."""
        for line in self.health("/metrics").body.decode().splitlines():
            if line.startswith(line_start):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def post(self, body: bytes, *, key: str = API_KEY, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return http_request(
            "POST",
            self.url + "/chat/completions",
            body,
            {"authorization": f"Bearer {key}", "content-type": "application/json", **named},
        )

    def chat(self, model: str = "model-0", *, stream: bool = False, **fields: object) -> Answer:
        messages = [{"role": "user", "content": "hello"}]
        document = {"model": model, "messages": messages, "stream": stream, **fields}
        return self.post(json.dumps(document).encode())


def leave_when_the_provider_has_it(gateway: Gateway, simulator: Simulator, body: bytes) -> None:
    """Send a chat request, and close the connection when the provider has received its call."""
    asked = simulator.requests()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=HTTP_TIMEOUT_S)
    try:
        headers = {"authorization": f"Bearer {API_KEY}"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        wait_until(
            lambda: simulator.requests() > asked,
            deadline_s=HTTP_TIMEOUT_S,
            what="the provider to receive the call",
            interval_s=0.02,
        )
    finally:
        connection.close()
