"""A real Redis with a replica and a sentinel, for tests of the gateway."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from seawall.common.wait import wait_until
from tests.support.ports import free_port

OPERATOR_PASSWORD = "operator-password"
SENTINEL_PASSWORD = "sentinel-password"
APP_PASSWORD = "app-password"
APP_RULES = (
    "~seawall:* -@all +ping +eval +evalsha +time +wait +get +set +del +expire +pexpire"
    " +hmget +hset +hgetall +hdel +zadd +zrem +zcard +zrangebyscore +zremrangebyscore"
)


class Node:
    """One redis-server process."""

    def __init__(self, name: str, folder: Path, *, replica_of: int | None = None) -> None:
        self.port = free_port()
        self._folder = folder / name
        self._folder.mkdir()
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self._folder}",
            'save ""',
            "repl-diskless-sync-delay 0",
            "appendonly no",
            f"user default on >{OPERATOR_PASSWORD} ~* &* +@all",
            f"user app on >{APP_PASSWORD} {APP_RULES}",
            f"masterauth {OPERATOR_PASSWORD}",
        ]
        if replica_of is not None:
            lines.append(f"replicaof 127.0.0.1 {replica_of}")
        self.process = start(self._folder, lines)

    def command(self, *words: str) -> str:
        return command(self.port, OPERATOR_PASSWORD, *words)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def start(folder: Path, lines: list[str], *options: str) -> subprocess.Popen[bytes]:
    config = folder / "redis.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["redis-server", str(config), *options], stdout=log, stderr=subprocess.STDOUT
        )


def command(port: int, password: str, *words: str) -> str:
    """Send one inline command after AUTH; return the reply's text. Waits for a listening server."""

    def connected() -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except ConnectionRefusedError:
            return None

    found = wait_until(
        connected, deadline_s=10, what=f"redis on port {port} to listen", interval_s=0.02
    )
    assert found is not None
    with found as connection:
        quoted = " ".join(f'"{word}"' for word in words)
        connection.sendall(f"AUTH {password}\r\n{quoted}\r\n".encode())
        # A sentinel has no QUIT command. Both servers close after their answer at the end of input.
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received.decode().removeprefix("+OK\r\n")


def linked_replica(master: Node, folder: Path) -> Node:
    replica = Node("second", folder, replica_of=master.port)
    wait_until(
        lambda: "master_link_status:up" in replica.command("INFO", "replication"),
        deadline_s=15,
        what="the replica to be linked",
    )
    return replica


def _is_master(node: Node) -> bool:
    try:
        return "role:master" in node.command("INFO", "replication")
    except ConnectionResetError:
        return False  # the sentinel closes the connections of a server when it changes its role


class RedisUnderTest:
    """A master and one sentinel with quorum 1, with a replica if a test asks for one."""

    def __init__(self, folder: Path, *, with_replica: bool = False) -> None:
        self.master = Node("first", folder)
        self.replicas: list[Node] = []
        if with_replica:
            # Start the replica first: the sentinel looks for replicas at once and then every 10 s.
            self.replicas.append(linked_replica(self.master, folder))
        self.sentinel_port = free_port()
        sentinel_folder = folder / "sentinel"
        sentinel_folder.mkdir()
        self._sentinel = start(
            sentinel_folder,
            [
                f"port {self.sentinel_port}",
                "bind 127.0.0.1",
                f"requirepass {SENTINEL_PASSWORD}",
                f"sentinel monitor seawall 127.0.0.1 {self.master.port} 1",
                f"sentinel auth-pass seawall {OPERATOR_PASSWORD}",
                # Longer than tests freeze a node, so that only the tests trigger failovers.
                "sentinel down-after-milliseconds seawall 60000",
            ],
            "--sentinel",
        )

    def wait_until_up(self) -> None:
        wait_until(
            lambda: "status=ok" in self.ask_sentinel("INFO"),
            deadline_s=15,
            what="the sentinel to know the master",
        )

    def fail_over_to(self, replica: Node) -> None:
        """Request a failover until the sentinel accepts it, then wait for the new roles."""
        wait_until(
            lambda: self.ask_sentinel("SENTINEL", "FAILOVER", "seawall").startswith("+OK"),
            deadline_s=30,
            what="the sentinel to agree to a failover",
        )
        wait_until(lambda: _is_master(replica), deadline_s=30, what="the replica to be the master")
        # The sentinel does the same, but only at its next check, up to 10 s later.
        self.master.command("REPLICAOF", "127.0.0.1", str(replica.port))

    def ask_sentinel(self, *words: str) -> str:
        return command(self.sentinel_port, SENTINEL_PASSWORD, *words)

    def settings(self, folder: Path) -> dict[str, object]:
        """The gateway's `state` settings; this also writes the password files that they name."""
        (folder / "redis-app-password").write_text(APP_PASSWORD + "\n", encoding="utf-8")
        (folder / "sentinel-password").write_text(SENTINEL_PASSWORD + "\n", encoding="utf-8")
        return {"kind": "redis", "sentinels": [f"127.0.0.1:{self.sentinel_port}"]}

    def pin(self, core: int) -> None:
        """Keep every process on one core."""
        nodes = [self.master, *self.replicas]
        for process in (self._sentinel, *(node.process for node in nodes)):
            for thread in Path(f"/proc/{process.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {core})

    def stop(self) -> None:
        nodes = [self.master, *self.replicas]
        for process in (self._sentinel, *(node.process for node in nodes)):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
