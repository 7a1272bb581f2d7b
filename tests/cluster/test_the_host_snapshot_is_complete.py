"""The host snapshot reports leftovers of every kind, so "nothing was left behind" has a meaning.

The tests create leftovers on purpose. If a kind can carry a name, the leftover has the name of an
instance that does not run. Snapshots of other test runs on the same machine therefore omit it.
Other kinds have fixed addresses, so only one run at a time creates leftovers.
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
from tests.host.snapshot import Snapshot, take_snapshot

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="snapshots of the whole host need root"),
]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where to create a leftover: an instance's name, its state folder, and a folder to use."""

    name: str
    home: Path
    folder: Path


Leftover = Callable[[Spot], "Generator[str]"]
"""Creates a leftover, yields a part of its line in the report, and then removes it."""


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def orphan(*command: str, **environment: str) -> Generator[int]:
    """A process whose parent has ended, like a daemon that outlived `down`."""
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


def namespaces_of(kind: str) -> Leftover:
    def create(spot: Spot) -> Generator[str]:
        flags = ("--fork", "--pid", "--mount-proc") if kind == "pid" else (f"--{FLAGS[kind]}",)
        with orphan("unshare", *flags, "sleep", "1003", SEAWALL_HOME=str(spot.home)):
            yield f"{kind}:["

    return create


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


def a_mount_over_an_existing_mount(spot: Spot) -> Generator[str]:
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


def an_ipv6_route(_: Spot) -> Generator[str]:
    run("ip", "-6", "route", "add", "blackhole", "fd5e:a11::/64", "table", "127")
    yield "fd5e:a11::/64"
    run("ip", "-6", "route", "del", "blackhole", "fd5e:a11::/64", "table", "127")


def a_chain(program: str, table: str) -> Leftover:
    def create(spot: Spot) -> Generator[str]:
        run(program, "-t", table, "-N", spot.name)
        yield f":{spot.name}"
        run(program, "-t", table, "-X", spot.name)

    return create


def a_routing_rule(_: Spot) -> Generator[str]:
    run("ip", "rule", "add", "to", "10.127.255.0/30", "lookup", "127")
    yield "10.127.255.0/30"
    run("ip", "rule", "del", "to", "10.127.255.0/30", "lookup", "127")


def control_groups(*path: str) -> Leftover:
    def create(spot: Spot) -> Generator[str]:
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

    return create


def a_sysctl(_: Spot) -> Generator[str]:
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


def a_file_in(*places: str) -> Leftover:
    def create(spot: Spot) -> Generator[str]:
        with ExitStack() as made:
            for place in places:
                file = Path(place.format(spot.name))
                if not file.parent.exists():
                    file.parent.mkdir()
                    made.callback(file.parent.rmdir)
                file.touch()
                made.callback(file.unlink)
            yield places[-1].format(spot.name)

    return create


def a_change_of(place: str) -> Leftover:
    def create(spot: Spot) -> Generator[str]:
        file = Path(place)
        copy = spot.folder / "copy"
        copy.write_bytes(file.read_bytes() + f"# {spot.name}\n".encode())
        run("mount", "--bind", copy, file)
        yield f"{place} "
        run("umount", file)

    return create


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


LEFTOVERS: dict[str, tuple[str, Leftover]] = {
    "a process by its environment": ("processes", a_process_by_its_environment),
    "a process by its name": ("processes", a_process_by_its_name),
    **{f"a {kind} namespace": ("namespaces", namespaces_of(kind)) for kind in [*FLAGS, "pid"]},
    "a mount": ("mounts", a_mount),
    "a mount over an existing mount": ("mounts", a_mount_over_an_existing_mount),
    "a pinned namespace": ("mounts", a_pinned_namespace),
    "a network interface": ("links", a_link),
    "an address": ("links", an_address),
    "a route": ("routes", a_route),
    "an IPv6 route": ("routes", an_ipv6_route),
    "an iptables chain": ("rules", a_chain("iptables", "filter")),
    "an iptables chain of nat": ("rules", a_chain("iptables", "nat")),
    "an ip6tables chain": ("rules", a_chain("ip6tables", "filter")),
    "an iptables-legacy chain": ("rules", a_chain("iptables-legacy", "mangle")),
    "a routing rule": ("rules", a_routing_rule),
    "a control group": ("cgroups", control_groups("{}")),
    "a nested control group": ("cgroups", control_groups("{}", "n1", "kubepods", "pod1")),
    "a sysctl": ("settings", a_sysctl),
    "a loop device": ("devices", a_loop_device),
    "a file in /run": ("files", a_file_in("/run/seawall/{}.pin")),
    "a file in /tmp": ("files", a_file_in("/tmp/runc-process-{}")),  # noqa: S108 - created on purpose
    "a file in /dev/shm": ("files", a_file_in("/dev/shm/{}")),  # noqa: S108 - same
    "a file in /var/lib": ("files", a_file_in("/var/lib/seawall/{}")),
    "a log": ("files", a_file_in("/var/log/{}.log")),
    "a changed /etc/hosts": ("files", a_change_of("/etc/hosts")),
    "a changed /etc/resolv.conf": ("files", a_change_of("/etc/resolv.conf")),
    "a listening socket": ("listening", a_socket),
    "an abstract listening socket": ("listening", an_abstract_socket),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], bool]]:
    """Whether a leftover of LEFTOVERS was reported; all of them exist at the same time."""
    folder = tmp_path_factory.mktemp("left")
    one_run_at_a_time = exclusive(Path(tempfile.gettempdir()) / "seawall-test-picture.lock")
    with one_run_at_a_time, pytest.MonkeyPatch.context() as monkeypatched, ExitStack() as cleanup:
        monkeypatched.setenv("SEAWALL_HOME", str(folder / "home"))
        kit = kit_here()
        before = take_snapshot(kit)
        expected_text: dict[str, str] = {}
        for number, (what, (_, create)) in enumerate(LEFTOVERS.items()):
            spot = Spot(kit.instance.name, kit.home, folder / str(number))
            spot.folder.mkdir()
            leftover = create(spot)
            expected_text[what] = next(leftover)
            cleanup.callback(next, leftover, None)
        left: dict[str, list[str]] = {}

        def reported(what: str) -> bool:
            return any(expected_text[what] in name for name in left.get(LEFTOVERS[what][0], []))

        def all_reported() -> bool:
            nonlocal left
            left = take_snapshot(kit).left_since(before)
            return all(reported(what) for what in LEFTOVERS)

        with suppress(TimedOutError):  # each test says what is missing
            wait_until(all_reported, deadline_s=10, what="everything to be reported")
        yield reported


@pytest.mark.parametrize("what", LEFTOVERS)
def test_snapshot_reports_the_leftover(report: Callable[[str], bool], what: str) -> None:
    assert report(what)


def test_every_kind_of_the_snapshot_has_a_leftover() -> None:
    assert {kind for kind, _ in LEFTOVERS.values()} == set(Snapshot.__dataclass_fields__)
