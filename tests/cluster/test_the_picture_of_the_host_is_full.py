"""Whatever is left behind is reported, of each kind; else "nothing was left" would say nothing.

What is left here on purpose carries the name of an instance that nobody runs, as far as its kind
has room for a name, so that other runs on the same machine do not see it in their pictures. Kinds
without room have fixed addresses, so that one run at a time leaves things.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.common.locks import exclusive
from seawall.common.wait import TimedOutError, wait_until
from seawall.testbed.kit import kit_here
from tests.host.picture import Picture, take_picture

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="pictures of the whole host need root"),
]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where to leave something: an instance's name, its state spot.folder, and a folder to use."""

    name: str
    home: Path
    folder: Path


Leave = Callable[[Spot], "Generator[str]"]
"""Leaves something, yields a word of the report about it, and then takes it away."""


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def orphan(*command: str, **environment: str) -> Generator[int]:
    """A process that its starter has left, as a daemon that outlived `down` would be."""
    script = '"$@" >/dev/null 2>&1 </dev/null & echo $!'
    started = subprocess.run(
        ["sh", "-c", script, "sh", *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    pid = int(started.stdout)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)


def a_process_by_its_environment(spot: Spot) -> Generator[str]:
    with orphan("sleep", "1001", SEAWALL_HOME=str(spot.home)) as pid:
        yield f"{pid} sleep 1001"


def a_process_by_its_name(spot: Spot) -> Generator[str]:
    clean = ("env", "--unset=SEAWALL_HOME")
    with orphan(*clean, "sh", "-c", f"sleep 1002 # {spot.name}; :") as pid:
        yield f"{pid} "


def namespaces_of(kind: str) -> Leave:
    def leave(spot: Spot) -> Generator[str]:
        flags = ("--fork", "--pid", "--mount-proc") if kind == "pid" else (f"--{FLAGS[kind]}",)
        with orphan("unshare", *flags, "sleep", "1003", SEAWALL_HOME=str(spot.home)):
            yield f"{kind}:["

    return leave


FLAGS = {
    "mnt": "mount",
    "net": "net",
    "uts": "uts",
    "ipc": "ipc",
    "cgroup": "cgroup",
    "user": "user",
}


def a_mount(spot: Spot) -> Generator[str]:
    run("mount", "-t", "tmpfs", spot.name, spot.folder)
    yield f"{spot.folder} tmpfs"
    run("umount", spot.folder)


def a_mount_over_one_that_was_there(spot: Spot) -> Generator[str]:
    for _ in range(2):
        run("mount", "-t", "tmpfs", spot.name, spot.folder)
    yield "#2"
    for _ in range(2):
        run("umount", spot.folder)


def a_pinned_namespace(spot: Spot) -> Generator[str]:
    pin = spot.folder / spot.name
    pin.touch()
    run("unshare", f"--net={pin}", "true")
    yield f"{pin} nsfs"
    run("umount", pin)


def a_link(spot: Spot) -> Generator[str]:
    name = f"{spot.name}x"
    run("ip", "link", "add", name, "type", "bridge")
    yield name
    run("ip", "link", "del", name)


def an_address(spot: Spot) -> Generator[str]:
    address = ("10.127.255.254/32", "dev", "lo", "label", f"lo:{spot.name}")
    run("ip", "address", "add", *address)
    yield "10.127.255.254"
    run("ip", "address", "del", *address)


def a_route(_: Spot) -> Generator[str]:
    run("ip", "route", "add", "blackhole", "10.127.255.0/30", "table", "127")
    yield "blackhole 10.127.255.0/30"
    run("ip", "route", "del", "blackhole", "10.127.255.0/30", "table", "127")


def a_route_of_version_6(_: Spot) -> Generator[str]:
    run("ip", "-6", "route", "add", "blackhole", "fd5e:a11::/64", "table", "127")
    yield "fd5e:a11::/64"
    run("ip", "-6", "route", "del", "blackhole", "fd5e:a11::/64", "table", "127")


def a_chain(program: str, table: str) -> Leave:
    def leave(spot: Spot) -> Generator[str]:
        run(program, "-t", table, "-N", spot.name)
        yield f":{spot.name}"
        run(program, "-t", table, "-X", spot.name)

    return leave


def a_rule_of_routing(_: Spot) -> Generator[str]:
    run("ip", "rule", "add", "to", "10.127.255.0/30", "lookup", "127")
    yield "10.127.255.0/30"
    run("ip", "rule", "del", "to", "10.127.255.0/30", "lookup", "127")


def control_groups(*path: str) -> Leave:
    def leave(spot: Spot) -> Generator[str]:
        root = Path("/sys/fs/cgroup")
        trees = [d for d in (root / "memory", root / "unified") if d.is_dir()] or [root]
        with ExitStack() as made:
            for tree in trees:
                for depth in range(len(path)):
                    group = tree.joinpath(*(p.format(spot.name) for p in path[: depth + 1]))
                    if not group.exists():
                        group.mkdir()
                        made.callback(group.rmdir)
            yield "/".join(path).format(spot.name)

    return leave


def a_setting(_: Spot) -> Generator[str]:
    file = Path("/proc/sys/net/ipv4/tcp_fin_timeout")
    before = file.read_text()
    file.write_text(str(int(before) + 1))
    yield f"net/ipv4/tcp_fin_timeout = {int(before) + 1}"
    file.write_text(before)


def a_loop_device(spot: Spot) -> Generator[str]:
    image = spot.folder / spot.name
    with image.open("wb") as file:
        file.truncate(2**20)
    device = run("losetup", "--find", "--show", image).strip()
    yield f"{Path(device).name} {image}"
    run("losetup", "--detach", device)


def a_file_in(*places: str) -> Leave:
    def leave(spot: Spot) -> Generator[str]:
        with ExitStack() as made:
            for place in places:
                file = Path(place.format(spot.name))
                if not file.parent.exists():
                    file.parent.mkdir()
                    made.callback(file.parent.rmdir)
                file.touch()
                made.callback(file.unlink)
            yield places[-1].format(spot.name)

    return leave


def a_change_of(place: str) -> Leave:
    def leave(spot: Spot) -> Generator[str]:
        file = Path(place)
        copy = spot.folder / "copy"
        copy.write_bytes(file.read_bytes() + f"# {spot.name}\n".encode())
        run("mount", "--bind", copy, file)
        yield f"{place} "
        run("umount", file)

    return leave


def a_socket(spot: Spot) -> Generator[str]:
    script = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(1005)"
    yield from _listens(spot, script, "tcp 127.0.0.1:")


def an_abstract_socket(spot: Spot) -> Generator[str]:
    script = (
        "import socket, time; s = socket.socket(socket.AF_UNIX);"
        f"s.bind('\\0{spot.name}'); s.listen(); time.sleep(1006)"
    )
    yield from _listens(spot, script, f"u_str @{spot.name}")


def _listens(spot: Spot, script: str, name: str) -> Generator[str]:
    with orphan("python3", "-c", script, SEAWALL_HOME=str(spot.home)):
        yield name


LEFT: dict[str, tuple[str, Leave]] = {
    "a process by its environment": ("processes", a_process_by_its_environment),
    "a process by its name": ("processes", a_process_by_its_name),
    **{f"a {kind} namespace": ("namespaces", namespaces_of(kind)) for kind in [*FLAGS, "pid"]},
    "a mount": ("mounts", a_mount),
    "a mount over one that was there": ("mounts", a_mount_over_one_that_was_there),
    "a pinned namespace": ("mounts", a_pinned_namespace),
    "a link": ("links", a_link),
    "an address": ("links", an_address),
    "a route": ("routes", a_route),
    "a route of version 6": ("routes", a_route_of_version_6),
    "a chain": ("rules", a_chain("iptables", "filter")),
    "a chain of nat": ("rules", a_chain("iptables", "nat")),
    "a chain of version 6": ("rules", a_chain("ip6tables", "filter")),
    "a chain of the other kind": ("rules", a_chain("iptables-legacy", "mangle")),
    "a rule of routing": ("rules", a_rule_of_routing),
    "a control group": ("cgroups", control_groups("{}")),
    "a control group deep below": ("cgroups", control_groups("{}", "n1", "kubepods", "pod1")),
    "a setting of the kernel": ("settings", a_setting),
    "a loop device": ("devices", a_loop_device),
    "a file in /run": ("files", a_file_in("/run/seawall/{}.pin")),
    "a file in /tmp": ("files", a_file_in("/tmp/runc-process-{}")),  # noqa: S108 - left there on purpose
    "a file in /dev/shm": ("files", a_file_in("/dev/shm/{}")),  # noqa: S108 - same
    "a file in /var/lib": ("files", a_file_in("/var/lib/seawall/{}")),
    "a log": ("files", a_file_in("/var/log/{}.log")),
    "another /etc/hosts": ("files", a_change_of("/etc/hosts")),
    "another /etc/resolv.conf": ("files", a_change_of("/etc/resolv.conf")),
    "a listening socket": ("listening", a_socket),
    "a listening socket without a file": ("listening", an_abstract_socket),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], bool]]:
    """Whether something of LEFT was reported, with all of it left at once."""
    folder = tmp_path_factory.mktemp("left")
    alone = exclusive(Path(tempfile.gettempdir()) / "seawall-test-picture.lock")
    with alone, pytest.MonkeyPatch.context() as patched, ExitStack() as ended:
        patched.setenv("SEAWALL_HOME", str(folder / "home"))
        kit = kit_here()
        before = take_picture(kit)
        words: dict[str, str] = {}
        for number, (what, (_, leave)) in enumerate(LEFT.items()):
            spot = Spot(kit.instance.name, kit.home, folder / str(number))
            spot.folder.mkdir()
            leaving = leave(spot)
            words[what] = next(leaving)
            ended.callback(next, leaving, None)
        left: dict[str, list[str]] = {}

        def reported(what: str) -> bool:
            return any(words[what] in name for name in left.get(LEFT[what][0], []))

        def seen() -> bool:
            nonlocal left
            left = take_picture(kit).left_since(before)
            return all(reported(what) for what in LEFT)

        with suppress(TimedOutError):  # each test says what is missing
            wait_until(seen, deadline_s=10, what="everything to be reported")
        yield reported


@pytest.mark.parametrize("what", LEFT)
def test_what_is_left_is_reported(report: Callable[[str], bool], what: str) -> None:
    assert report(what)


def test_every_kind_has_something_left_on_purpose() -> None:
    assert {kind for kind, _ in LEFT.values()} == set(Picture.__dataclass_fields__)
