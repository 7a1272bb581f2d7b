"""A fake Docker engine with kind's node image in it, and a fake kubectl; not the real ones.

Both programs are a few lines that pass their arguments and streams to `serving`, a thread of the
tests: they start some hundred times, and a start with this whole module costs five times as much.
Their data is in one folder: the containers, the recorded calls, the files written into nodes, and
the calls to refuse (`refuse`: a text that the call contains, and the error message). They print
what the real programs print, as far as kind and this kit read it. No container is started.
"""

import fcntl
import json
import re
import secrets
import socket
import tarfile
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from tests.kind.fake_node_files import CONTAINERD, FILES

VERSION = "28.2.2"
_CLUSTER, _ROLE = "io.x-k8s.kind.cluster", "io.x-k8s.kind.role"
_POLLS_UNTIL_HEARD = 2
"""The number of node queries until the API server notices a restart."""


class Refused(Exception):  # noqa: N818 - what a daemon answers
    """An error with the daemon's message."""


@dataclass
class Container:
    """One node container."""

    name: str
    image: str
    labels: dict[str, str]
    network: str
    address: str
    started: str
    state: str = "running"
    images: list[str] = field(default_factory=list[str])
    polls: int = 0


@dataclass
class Engine:
    """The complete state of the engine."""

    containers: dict[str, Container] = field(default_factory=dict[str, Container])
    networks: list[str] = field(default_factory=list[str])
    refuse: dict[str, str] = field(default_factory=dict[str, str])

    def of(self, name: str) -> Container:
        if name not in self.containers:
            raise Refused(f"No such container: {name}")
        return self.containers[name]

    def running(self, name: str) -> Container:
        found = self.of(name)
        if found.state != "running":
            raise Refused(f"container {name} is not running")
        return found

    def free_address(self) -> str:
        """The lowest free address, as Docker assigns them."""
        taken = {c.address for c in self.containers.values() if c.state == "running" and c.network}
        return next(a for a in (f"172.18.0.{n}" for n in range(2, 255)) if a not in taken)

    def start(self, container: Container) -> None:
        container.state = "created"  # one that ends gives its address back
        container.address = self.free_address() if container.network else ""
        container.state, container.started, container.polls = "running", now(), 0


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def engine_in(folder: Path) -> Generator[Engine]:
    """The engine's state, locked for one call at a time; kind makes several calls at once."""
    file = folder / "engine.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        engine = Engine(**known)
        engine.containers = {n: Container(**c) for n, c in known.get("containers", {}).items()}
        yield engine
        file.write_text(json.dumps(asdict(engine)))


def docker(folder: Path, engine: Engine, words: list[str], given: BinaryIO) -> str:  # noqa: C901, PLR0911, PLR0912 - table
    """Return the output of one call; raise Refused for a refused one."""
    match words:
        case ["version", *_]:
            return VERSION
        case ["info", *_]:
            limits = dict.fromkeys(["MemoryLimit", "PidsLimit", "CPUShares"], True)
            return json.dumps({"CgroupDriver": "systemd", "CgroupVersion": "2", **limits})
        case ["ps", *rest]:
            return "\n".join(_listed(engine, rest))
        case ["inspect", "--type=image", *_] | ["pull", *_]:
            return ""
        case ["inspect", "--format" | "-f", template, name]:
            return _inspected(engine.of(name), template)
        case ["network", *rest]:
            return _network(engine, rest)
        case ["run", *rest]:
            return _run(engine, rest)
        case ["logs", *_, name]:
            return f"{engine.of(name).name}: [  OK  ] Reached target Multi-User System."
        case ["rm", "-f", "-v", *names]:
            for name in names:
                engine.containers.pop(name, None)
            return "\n".join(names)
        case ["kill", name]:
            engine.running(name).state = "exited"
            return name
        case ["start" | "restart", name]:
            engine.start(engine.of(name))
            return name
        case ["exec", *rest]:
            plain = [word for word in rest if word not in {"--privileged", "-i"}]
            return _exec(folder, engine.running(plain[0]), plain[1:], given)
        case _:
            raise Refused(f"the fake Docker does not know `docker {' '.join(words)}`")


def _listed(engine: Engine, words: list[str]) -> list[str]:
    label = words[words.index("--filter") + 1].removeprefix("label=")
    template = words[words.index("--format") + 1]
    key, _, value = label.partition("=")
    found = [c for c in engine.containers.values() if key in c.labels]
    return [_shown(c, template) for c in found if not value or c.labels[key] == value]


def _shown(container: Container, template: str) -> str:
    if template == "{{json .}}":
        up = container.state == "running"
        return json.dumps(
            {
                "Command": '"/usr/local/bin/entr…"',
                "ID": f"{abs(hash(container.name)):012x}"[:12],
                "Image": container.image,
                "Labels": ",".join(f"{k}={v}" for k, v in container.labels.items()),
                "Names": container.name,
                "Networks": container.network,
                "State": container.state,
                "Status": "Up 2 minutes" if up else "Exited (137) 3 seconds ago",
            }
        )
    return container.name if template == "{{.Names}}" else container.labels[_CLUSTER]


def _inspected(container: Container, template: str) -> str:
    at = container.address if container.state == "running" else ""
    if _ROLE in template:
        return container.labels[_ROLE]
    if "GlobalIPv6Address" in template:
        return f"{at},"
    if "json .NetworkSettings.Networks" in template:
        return json.dumps({container.network: {"IPAddress": at}} if container.network else {})
    if "StartedAt" in template:
        return container.started
    if ".NetworkSettings.Ports" in template:
        return "127.0.0.1\t40123"
    return ""  # a label of Docker Desktop, which is not here


def _network(engine: Engine, words: list[str]) -> str:
    match words:
        case ["ls", *_]:
            wanted = re.search(r"name=\^(.*?)\$", " ".join(words))
            return "\n".join(name for name in engine.networks if wanted and name == wanted[1])
        case ["inspect", *_]:
            return "1500"
        case ["create", *_, name]:
            engine.networks.append(name)
        case ["disconnect", network, name]:
            if engine.of(name).network != network:
                raise Refused(f"container {name} is not connected to network {network}")
            engine.of(name).network = ""
        case ["connect", network, name]:
            if network not in engine.networks:
                raise Refused(f"network {network} not found")
            if engine.of(name).network:
                raise Refused(f"endpoint with name {name} already exists in network {network}")
            engine.of(name).address = engine.free_address()
            engine.of(name).network = network
        case _:
            raise Refused(f"the fake Docker does not know `docker network {' '.join(words)}`")
    return ""


def _run(engine: Engine, words: list[str]) -> str:
    labels = [words[i + 1].partition("=") for i, word in enumerate(words) if word == "--label"]
    name, network = (words[words.index(flag) + 1] for flag in ("--name", "--net"))
    made = Container(name, words[-1], {k: v for k, _, v in labels}, network, "", "")
    engine.start(made)
    engine.containers[name] = made
    return name


def _exec(folder: Path, node: Container, words: list[str], given: BinaryIO) -> str:  # noqa: PLR0911 - a table
    match words:
        case ["cat", "/kind/version"]:
            version = re.search(r":(v[0-9.]+)", node.image)
            return version[1] if version else ""
        case ["cat", path]:
            return FILES[path]
        case ["cp", "/dev/stdin", path]:
            target = folder / "nodes" / node.name / path.strip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(given.read())
        case ["containerd", "config", "dump"]:
            return CONTAINERD
        case ["ctr", "--namespace=k8s.io", "images", "list", "--quiet"]:
            return "\n".join(node.images)
        case ["ctr", *_, "-"]:
            with tarfile.open(fileobj=given, mode="r|") as archive:
                member = next(item for item in archive if item.name == "manifest.json")
                manifest = archive.extractfile(member)
                node.images += json.loads(manifest.read())[0]["RepoTags"] if manifest else []
        case ["systemctl", "show", "--property=ActiveState", *units]:
            return "\n\n".join("ActiveState=active" for _ in units)
        case ["journalctl", "--no-pager", unit]:
            return f"{node.name}: {unit.removeprefix('--unit=')} says something"
        case ["kubectl" | "kubeadm" | "mkdir" | "bash", *_]:
            return ""
        case _:
            raise Refused(f"the fake Docker does not know `docker exec ... {' '.join(words)}`")
    return ""


def kubectl(folder: Path, engine: Engine, words: list[str], given: BinaryIO) -> str:
    """Return the output of one call; raise Refused for a refused one."""
    kubeconfig = Path(words[0].removeprefix("--kubeconfig=")).read_text()
    context = re.search(r"current-context: kind-(\S+)", kubeconfig)
    cluster = context[1] if context else ""
    nodes = [c for c in engine.containers.values() if c.labels[_CLUSTER] == cluster]
    if not any(c.labels[_ROLE] == "control-plane" and c.state == "running" for c in nodes):
        raise Refused("The connection to the server 127.0.0.1:40123 was refused")
    match words[2:]:
        case ["get", "nodes", "-o", "json"]:
            return json.dumps({"items": [_node(container) for container in nodes]})
        case ["apply", *_]:
            with (folder / "applied.yaml").open("a") as applied:
                applied.write(f"{given.read().decode()}\n---\n")
        case _:
            pass
    return "ok"


def _node(container: Container) -> dict[str, object]:
    """A node object; its Ready time predates the restart until the node reports again."""
    container.polls += 1
    fresh = container.state == "running" and container.polls > _POLLS_UNTIL_HEARD
    beat = now() if fresh else "2020-01-01T00:00:00Z"
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": re.sub(r"\.\d+", "", beat)}
    return {"metadata": {"name": container.name}, "status": {"conditions": [ready]}}


def refuse_as_told(engine: Engine, line: str) -> None:
    """Raise Refused if the test configured that."""
    for text, refusal in engine.refuse.items():
        if text in line:
            raise Refused(refusal)


def main(program: str, folder: Path, words: list[str], given: BinaryIO) -> tuple[int, str]:
    """The exit code and the output, which goes to stderr if the code is not 0."""
    with engine_in(folder) as engine:
        with (folder / "calls").open("a") as calls:
            calls.write(json.dumps([program, *words]) + "\n")
        line = " ".join([program, *words])
        try:
            refuse_as_told(engine, line)
            answer = (docker if program == "docker" else kubectl)(folder, engine, words, given)
        except Refused as refused:
            source = "Error response from daemon: " if program == "docker" else "error: "
            return 1, f"{source}{refused}\n"
    return 0, f"{answer}\n" if answer else ""


CLIENT = """
import _socket, sys
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
server.connect(chr(0) + sys.argv[1])
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
words = chr(0).join(sys.argv[2:]).encode()
server.sendmsg([words], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
sys.exit(int(server.recv(8) or b"1"))
"""
"""The code of each program. Arguments: server name, program name, folder, and its own ones."""


@contextmanager
def serving() -> Generator[str]:
    """Run the server of all clients until the end of the block; yields its name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        name = f"seawall-fake-docker-{secrets.token_hex(8)}"
        listener.bind(f"\0{name}")
        listener.listen(64)
        thread = threading.Thread(target=_serve, args=(listener,))
        thread.start()
        try:
            yield name
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(BrokenPipeError):  # the client was killed
            _answer(connection)


def _answer(connection: socket.socket) -> None:
    message, streams, _, _ = socket.recv_fds(connection, 1 << 17, 3)
    program, folder, *words = message.decode().split("\0")
    with (
        open(streams[0], "rb") as given,  # noqa: PTH123 - a descriptor, as the next two
        open(streams[1], "w") as printed,  # noqa: PTH123
        open(streams[2], "w") as told,  # noqa: PTH123
    ):
        try:
            code, text = main(program, Path(folder), words, given)
        except Exception:  # noqa: BLE001 - what would end the program does not end the server
            code, text = 1, traceback.format_exc()
        (told if code else printed).write(text)
    connection.send(str(code).encode())
