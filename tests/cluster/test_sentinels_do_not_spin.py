"""A Redis whose socket has an error that it never reads is busy for ever: see agents.routed."""

import subprocess
import sys
import time

import pytest

from seawall.wait import wait_until
from tests.cluster.watching import REDIS, whole
from tests.conftest import CHECKOUT, Environment

pytestmark = [pytest.mark.cluster]

LOOK_S = 5.0
IDLE_SHARE = 0.1
"""Of a core. One that spins takes all that its limit allows, which is more."""
TICKS_PER_S = 100
ASKED = """
from agents.routed import is_routed
import socket
listening = socket.create_server(("127.0.0.1", 0))
for port in (listening.getsockname()[1], 7, 9):
    print(is_routed("127.0.0.1", port))
"""


def test_who_refuses_is_there_and_a_service_without_pods_is_not() -> None:
    rule = "iptables -A INPUT -p tcp --dport 9 -j REJECT --reject-with icmp-port-unreachable"
    done = subprocess.run(
        [
            *("unshare", "--net", "sh", "-ec", f'ip link set lo up; {rule}; exec "$@"', "sh"),
            *(sys.executable, "-c", ASKED),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", "True", "False"], done.stderr


def test_sentinels_rest_while_nothing_happens(environment: Environment) -> None:
    wait_until(lambda: whole(environment), deadline_s=120, what="everything to be Ready")

    def spent_s(pod: str) -> float:
        """CPU time of Sentinel since it began."""
        words = ("exec", pod, "-c", "sentinel", "--", "cat", "/proc/1/stat")
        fields = environment.kubectl("-n", "seawall", *words).rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    began, before = time.monotonic(), {pod: spent_s(pod) for pod in REDIS}
    wait_until(lambda: time.monotonic() - began > LOOK_S, deadline_s=60, what="some seconds")
    shares = {pod: (spent_s(pod) - before[pod]) / (time.monotonic() - began) for pod in REDIS}
    assert all(share < IDLE_SHARE for share in shares.values()), shares
