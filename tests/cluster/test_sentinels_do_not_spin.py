"""A Redis whose socket has an error that it never reads is busy for ever: see agents.routed."""

import subprocess
import sys
import time

import pytest

from seawall.wait import wait_until
from tests.cluster.watching import REDIS, delete, pods, whole
from tests.conftest import CHECKOUT, Environment

pytestmark = [pytest.mark.cluster]

LOOK_S = 5.0
IDLE_SHARE = 0.1
"""Of a core. One that spins takes all that its limit allows, which is more."""
TICKS_PER_S = 100
RETRANSMITTED_AFTER_S = 1.0
"""The first time; RFC 6298."""
GIVEN_UP_AFTER_S = 10.0
ROUTED_AFTER_S = 1.0
REJECT = "INPUT -p tcp --dport 9 -j REJECT --reject-with icmp-port-unreachable"
ASKED = """
from agents.routed import is_routed
import socket
listening = socket.create_server(("127.0.0.1", 0))
for port in (listening.getsockname()[1], 7, 9):
    print(is_routed("127.0.0.1", port))
"""
AWAITED = f"""
from agents.routed import await_route
import subprocess, threading, time
removal = ["iptables", "-D", *{REJECT!r}.split()]
routed = threading.Timer({ROUTED_AFTER_S}, subprocess.run, [removal])
begun = time.monotonic()
routed.start()
await_route("127.0.0.1", 9)
print(time.monotonic() - begun)
"""


def with_a_refused_port(script: str) -> list[str]:
    """What a script prints in a network where port 9 is refused as kube-proxy refuses."""
    done = subprocess.run(
        [
            *("unshare", "--net", "--mount", "sh", "-ec"),
            f'mount -t tmpfs tmpfs /run; ip link set lo up; iptables -A {REJECT}; exec "$@"',
            *("sh", sys.executable, "-c", script),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_who_refuses_is_there_and_a_service_without_pods_is_not() -> None:
    assert with_a_refused_port(ASKED) == ["True", "True", "False"]


def test_nobody_listens_before_connections_from_without_a_route_are_over() -> None:
    (took_s,) = map(float, with_a_refused_port(AWAITED))
    assert took_s > ROUTED_AFTER_S + RETRANSMITTED_AFTER_S
    assert took_s < GIVEN_UP_AFTER_S, "it did not see the route"


def test_sentinels_rest_after_a_pod_has_come_back(environment: Environment) -> None:
    """The others ask for it every second, also in the one before it can be reached."""
    wait_until(lambda: whole(environment), deadline_s=120, what="everything to be Ready")
    uid = ("-n", "seawall", "get", "pod", "redis-1", "-o", "jsonpath={.metadata.uid}")
    before = environment.kubectl(*uid)
    delete(environment, "redis-1")
    wait_until(
        lambda: "redis-1" in pods(environment, "redis") and environment.kubectl(*uid) != before,
        deadline_s=60,
        what="another redis-1",
    )
    wait_until(lambda: whole(environment), deadline_s=120, what="everything to be Ready")
    shares = shares_of_a_core(environment, "sentinel") | shares_of_a_core(environment, "redis")
    assert all(share < IDLE_SHARE for share in shares.values()), shares


def shares_of_a_core(environment: Environment, container: str) -> dict[str, float]:
    """What a container's first process of each Redis pod spends, by `pod/container`."""

    def spent_s(pod: str) -> float:
        words = ("exec", pod, "-c", container, "--", "cat", "/proc/1/stat")
        fields = environment.kubectl("-n", "seawall", *words).rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    began, before = time.monotonic(), {pod: spent_s(pod) for pod in REDIS}
    wait_until(lambda: time.monotonic() - began > LOOK_S, deadline_s=60, what="some seconds")
    return {
        f"{pod}/{container}": (spent_s(pod) - spent) / (time.monotonic() - began)
        for pod, spent in before.items()
    }
