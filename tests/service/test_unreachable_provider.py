"""Silent providers: a machine without power, a busy one, and an unreachable address."""

import asyncio
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract import metrics
from seawall.common.wait import wait_until
from service.providers.failures import UpstreamFailure
from service.providers.http import LEAST_SILENCE_S, UpstreamClient
from tests.conftest import CHECKOUT
from tests.measured import measured
from tests.service.kit import Gateway
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

CONNECT_S = 0.5
GOAL_S = 1.5
ANSWER_S = 20.0
"""Answer timeout for a thinking model; a lost machine must be detected much sooner."""
PORT, ADMIN_PORT = 8090, 8091
BODY = b'{"model": "sim-small", "messages": [{"role": "user", "content": "x"}]}'


@dataclass(frozen=True)
class Machine:
    """A network namespace with the provider simulator, connected by its own virtual cable."""

    name: str
    here: str
    there: str

    @property
    def url(self) -> str:
        return f"http://{self.there}:{PORT}/v1/chat/completions"

    def cut(self) -> None:
        ip("-n", self.name, "link", "set", "eth0", "down")

    def lose_every_second_syn(self) -> None:
        rule = "INPUT -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP"
        ip("netns", "exec", self.name, "iptables", "-A", *rule.split())


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def machine(tmp_path: Path) -> Generator[Machine]:
    """A machine with a listening simulator; on failure pytest shows the simulator's output."""
    tag = secrets.token_hex(3)
    net = f"10.255.{int(tag[:2], 16)}"
    made = Machine(f"swt-{tag}", f"{net}.1", f"{net}.2")
    ip("netns", "add", made.name)
    try:
        ip("link", "add", f"swt{tag}", "type", "veth", "peer", "eth0", "netns", made.name)
        ip("address", "add", f"{made.here}/30", "dev", f"swt{tag}")
        ip("link", "set", f"swt{tag}", "up")
        ip("-n", made.name, "address", "add", f"{made.there}/30", "dev", "eth0")
        ip("-n", made.name, "link", "set", "eth0", "up")
        words = ["--name", "alpha", "--port", str(PORT), "--admin-port", str(ADMIN_PORT)]
        log = tmp_path / "simulator.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [
                    "ip",
                    "netns",
                    "exec",
                    made.name,
                    sys.executable,
                    "-m",
                    "simulator",
                    *words,
                ],
                cwd=CHECKOUT,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as simulator,
        ):
            try:
                wait_until(
                    lambda: listens(made, simulator), deadline_s=30, what="the simulator to listen"
                )
                yield made
            finally:
                simulator.kill()
                print(f"the simulator, {simulator.poll()}: {log.read_text()}")
    finally:
        ip("netns", "delete", made.name)


def listens(machine: Machine, simulator: "subprocess.Popen[bytes]") -> bool:
    assert simulator.poll() is None, "the simulator ended"
    try:
        socket.create_connection((machine.there, PORT), timeout=1).close()
    except OSError:
        return False
    return True


async def ask(client: UpstreamClient, machine: Machine) -> int:
    headers = {"content-type": "application/json"}
    answer = await client.post(machine.url, BODY, headers, ANSWER_S)
    await answer.whole(ANSWER_S)
    return answer.status


def test_lost_machine_is_detected_by_silence_on_an_open_connection(machine: Machine) -> None:
    async def lose() -> float:
        client = UpstreamClient(CONNECT_S)
        try:
            assert await ask(client, machine) == 200
            machine.cut()
            begun = time.monotonic()
            with pytest.raises(UpstreamFailure) as caught:
                await ask(client, machine)
            assert caught.value.symptom.blames_the_target
            return time.monotonic() - begun
        finally:
            await client.close()

    took = asyncio.run(lose())
    measured(f"a provider without power was found out after {took:.2f} s (goal {GOAL_S} s)")
    assert took < 3 * GOAL_S


def test_busy_provider_is_not_treated_as_unreachable() -> None:
    """The provider accepts, and reads a large request only after three times the bound."""
    busy_s = 3 * LEAST_SILENCE_S
    body = b"x" * (8 << 20)

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            ready.wait(busy_s)
            left = len(body)
            while left > 0:
                left -= len(connection.recv(1 << 20))
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async def send(port: int) -> bytes:
        client = UpstreamClient(CONNECT_S)
        try:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            answer = await client.post(url, body, {}, ANSWER_S)
            return await answer.whole(ANSWER_S)
        finally:
            await client.close()

    ready = threading.Event()  # never set: the provider stays busy for the whole time
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        begun = time.monotonic()
        assert asyncio.run(send(listener.getsockname()[1])) == b"ok"
    assert time.monotonic() - begun >= busy_s


def test_lost_syn_packet_is_retried_on_the_only_target(machine: Machine, folder: Path) -> None:
    gateway = gateway_before(folder, machine.url.removesuffix("/chat/completions"))
    try:
        machine.lose_every_second_syn()
        answer = gateway.chat()
        assert (answer.status, answer.headers["x-seawall-provider"]) == (200, "far")
        assert attempts(gateway, "connect") == 1
    finally:
        gateway.stop()


def test_unreachable_provider_is_retried_exactly_once(folder: Path) -> None:
    gateway = gateway_before(folder, f"http://127.0.0.1:{free_port()}/v1")
    try:
        assert gateway.chat().status == 503
        assert attempts(gateway, "connect") == 2
    finally:
        gateway.stop()


def gateway_before(folder: Path, base_url: str) -> Gateway:
    return Gateway(
        folder,
        [],
        providers={"far": {"kind": "openai-compatible", "base_url": base_url}},
        named_models={"model-0": {"targets": [{"provider": "far", "model": "sim-small"}]}},
        timeouts={"connect": f"{round(CONNECT_S * 1000)}ms"},
    )


def attempts(gateway: Gateway, outcome: str) -> float:
    return gateway.metric(f'{metrics.ATTEMPTS}{{outcome="{outcome}",provider="far"}}')
