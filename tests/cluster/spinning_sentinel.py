"""Make a real Sentinel spin in a network namespace, and print its share of a core.

It prints three shares: idle, spinning, and after the guard's third look. The argument is an empty
folder. A Redis replica and another Sentinel are stopped, and iptables refuses connections to them
by ICMP, as kube-proxy does. Then both come back. This program is PID 1 there: the servers end with
it.
"""

import subprocess
import sys
import time
from pathlib import Path

from agents.redis.server import Server, ServerError, sentinel
from agents.redis.spin import SpinGuard
from seawall.common.wait import wait_until
from tests.agents.pod_settings import pod_settings

PASSWORD = "a-password"
MASTER, REPLICA, SPINNING, OTHER = 7000, 7001, 7100, 7101
REFUSED = (
    *("INPUT", "-p", "tcp", "-m", "multiport", "--dports", f"{REPLICA},{OTHER}"),
    *("-j", "REJECT", "--reject-with", "icmp-port-unreachable"),
)
MONITORING = (
    f"sentinel monitor seawall 127.0.0.1 {MASTER} 2",
    f"sentinel auth-pass seawall {PASSWORD}",
    f"sentinel sentinel-pass {PASSWORD}",
    "sentinel down-after-milliseconds seawall 60000",
)
CONFIGURATIONS = {
    MASTER: (f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"),
    REPLICA: (
        *(f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"),
        f"replicaof 127.0.0.1 {MASTER}",
    ),
    SPINNING: (f"requirepass {PASSWORD}", *MONITORING),
    OTHER: (f"requirepass {PASSWORD}", *MONITORING),
}


class Servers:
    """The Redis servers and Sentinels of this network namespace, by port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, *ports: int) -> None:
        for port in ports:
            folder = self._folder / str(port)
            folder.mkdir(exist_ok=True)
            file = folder / "conf"
            if not file.exists():  # a restarted Sentinel keeps its state in this file
                file.write_text(
                    "\n".join((f"port {port}", f"dir {folder}", *CONFIGURATIONS[port])) + "\n"
                )
            option = ["--sentinel"] if port in (SPINNING, OTHER) else ["--save", ""]
            log = (folder / "log").open("ab")
            self._running[port] = subprocess.Popen(["redis-server", file, *option], stdout=log)

    def stop(self, *ports: int) -> None:
        for port in ports:
            self._running[port].kill()
            self._running[port].wait()


def await_reply(server: Server, command: str, text: str) -> None:
    def replied() -> bool:
        try:
            return text in str(server.call(*command.split()))
        except ServerError:
            return False

    wait_until(replied, deadline_s=30, what=f"{command} to return {text}", interval_s=0.1)


def share_of_a_core(server: Server, seconds: float = 1.0) -> float:
    began, spent_s = time.monotonic(), server.cpu_s()
    wait_until(lambda: time.monotonic() - began > seconds, deadline_s=30, what="some seconds")
    return (server.cpu_s() - spent_s) / (time.monotonic() - began)


def main(folder: Path) -> None:
    settings = pod_settings(folder, redis_port=MASTER, sentinel_port=SPINNING)
    for name in ("sentinel-password", "redis-sentinel-password"):
        (folder / name).write_text(PASSWORD)
    servers = Servers(folder)
    servers.start(MASTER, REPLICA)
    with Server("127.0.0.1", REPLICA, None, PASSWORD) as replica:
        await_reply(replica, "INFO replication", "'master_link_status': 'up'")
    servers.start(SPINNING, OTHER)
    with sentinel(settings, "127.0.0.1") as spinning:
        await_reply(spinning, "SENTINEL CKQUORUM seawall", "OK 2")
        await_reply(spinning, "SENTINEL REPLICAS seawall", str(REPLICA))
        idle = share_of_a_core(spinning)
        servers.stop(REPLICA, OTHER)
        subprocess.run(["iptables", "-A", *REFUSED], check=True)
        wait_until(lambda: share_of_a_core(spinning, 0.3) > 0.2, deadline_s=30, what="it to spin")
        servers.start(REPLICA, OTHER)
        subprocess.run(["iptables", "-D", *REFUSED], check=True)
        await_reply(spinning, "SENTINEL CKQUORUM seawall", "OK 2")
        guard = SpinGuard(settings)
        guard.look(spinning)
        spins = 0.0
        for _ in range(2):
            spins = share_of_a_core(spinning, 4.5)
            guard.look(spinning)
        freed = share_of_a_core(spinning)
        await_reply(spinning, "SENTINEL CKQUORUM seawall", "OK 2")
    print(idle, spins, freed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
