"""A real nginx with the bundled configuration, and the real agent that names its gateways."""

import asyncio
import datetime as dt
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agents.edge.dns_server import Names, serve
from infra.components.edge.nginx_conf import Listener, NginxConf, Upstream, nginx_conf
from infra.config import Duration
from infra.parsing import parse
from seawall.common.wait import wait_until
from tests.infra.environments import changed, complete
from tests.service.kit import answers
from tests.support.ports import free_port

__all__ = ["Nginx", "configuration", "issue", "listening", "names_server", "silent"]

START_S = 10.0
MAX_BODY = 65536


def configuration(*, port: int, resolver: int, scratch: Path) -> NginxConf:
    """The nginx configuration of `local`, with ports of this machine."""
    values = changed(complete("local"), "gateway.admission.max_body_bytes", MAX_BODY)
    return NginxConf(
        gateway=parse(values).gateway,
        upstream=Upstream("gateway-pods", port, f"127.0.0.1:{resolver}"),
        listener=Listener(free_port(), free_port()),
        connect_timeout=Duration.parse("300ms"),
        scratch=str(scratch),
    )


def issue(
    folder: Path,
    *,
    serial: int = 1,
    host: str = "llm.example.com",
    ends_after: dt.timedelta = dt.timedelta(hours=1),
) -> None:
    """Write a self-signed certificate like a cert-manager Secret; it is also its own ca.crt."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + ends_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    for file in ("tls.crt", "ca.crt"):
        (folder / file).write_bytes(certificate.public_bytes(encoding))
    (folder / "tls.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Nginx:
    """A running nginx, with its output in a file."""

    def __init__(self, conf: NginxConf, folder: Path) -> None:
        self.conf = conf
        folder.chmod(0o755)
        Path(conf.scratch).mkdir(exist_ok=True)
        Path(conf.scratch).chmod(0o777)
        file = folder / "nginx.conf"
        file.write_text(nginx_conf(conf))
        self._log = folder / "nginx.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                ["nginx", "-e", "stderr", "-c", file, "-g", "daemon off; user root;"],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        health = f"http://127.0.0.1:{conf.listener.health_port}/health"

        def up() -> bool:
            assert self._process.poll() is None, self.output
            return answers(health)

        wait_until(up, deadline_s=START_S, what="nginx to answer", interval_s=0.05)

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def url(self) -> str:
        scheme = "https" if self.conf.listener.tls_dir else "http"
        return f"{scheme}://127.0.0.1:{self.conf.listener.port}"

    def leave(self) -> None:
        """Do what the preStop hook does."""
        Path(self.conf.scratch, "leaving").touch()

    def quit(self) -> None:
        """Send the signal that the kubelet sends after preStop."""
        self._process.send_signal(signal.SIGQUIT)

    def wait_for_exit(self, deadline_s: float) -> int:
        return self._process.wait(timeout=deadline_s)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()


@contextmanager
def names_server(known: Sequence[str]) -> Generator[int]:
    """Run the agent with the addresses in `known`, which may change; yields its free port."""
    port, health = free_port(), free_port()

    async def lookup(host: str) -> tuple[str, ...]:
        assert host == "gateway-pods"
        return tuple(known)

    end: list[Callable[[], object]] = []

    async def run() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        end.append(lambda: loop.call_soon_threadsafe(ended.set))
        await serve(Names("gateway-pods", lookup), ended, port=port, health_port=health)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    try:
        wait_until(
            lambda: answers(f"http://127.0.0.1:{health}/"),
            deadline_s=START_S,
            what="the names to be known",
            interval_s=0.05,
        )
        yield port
    finally:
        end[0]()
        thread.join(timeout=START_S)


@contextmanager
def listening(address: str, port: int, *, backlog: int = 16) -> Generator[socket.socket]:
    with socket.create_server((address, port), backlog=backlog) as listener:
        yield listener


@contextmanager
def silent(address: str, port: int) -> Generator[None]:
    """An address that accepts no connection, like a machine without power.

    Its accept queue is full, so the kernel drops every further SYN.
    """
    with listening(address, port, backlog=0):
        waiting: list[socket.socket] = []
        try:
            for _ in range(4):
                client = socket.socket()
                client.setblocking(False)  # noqa: FBT003 - the method's own parameter
                client.connect_ex((address, port))
                waiting.append(client)
            yield
        finally:
            for client in waiting:
                client.close()
