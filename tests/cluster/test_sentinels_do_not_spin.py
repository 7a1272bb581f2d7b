"""A Redis server with an unread error on a socket uses a whole core forever.

The cause is in `agents.redis.reachability`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.cluster]

RETRANSMITTED_AFTER_S = 1.0
"""The first retransmission; RFC 6298."""
SPINNING_SHARE = 0.2
"""The share of a core above which a server spins; the machine may be busy otherwise."""
GIVEN_UP_AFTER_S = 10.0
ROUTED_AFTER_S = 1.0
REJECT = "INPUT -p tcp --dport 9 -j REJECT --reject-with icmp-port-unreachable"
CHECK_ROUTES = """
from agents.redis.reachability import is_routed
import socket
listening = socket.create_server(("127.0.0.1", 0))
for port in (listening.getsockname()[1], 7, 9):
    print(is_routed("127.0.0.1", port))
"""
AWAIT_A_ROUTE = f"""
from agents.redis.reachability import await_route
import subprocess, threading, time
removal = ["iptables", "-D", *{REJECT!r}.split()]
routed = threading.Timer({ROUTED_AFTER_S}, subprocess.run, [removal])
begun = time.monotonic()
routed.start()
await_route("127.0.0.1", 9)
print(time.monotonic() - begun)
"""


def output_with_a_refused_port(*arguments: str) -> list[str]:
    """The output of Python in a network that refuses port 9 as kube-proxy does."""
    done = subprocess.run(
        [
            *("unshare", "--net", "--mount", "--pid", "--kill-child", "sh", "-ec"),
            f'mount -t tmpfs tmpfs /run; ip link set lo up; iptables -A {REJECT}; exec "$@"',
            *("sh", sys.executable, *arguments),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_listening_and_closed_ports_are_routed_and_a_service_without_pods_is_not() -> None:
    assert output_with_a_refused_port("-c", CHECK_ROUTES) == ["True", "True", "False"]


def test_wait_for_a_route_lasts_until_connection_attempts_without_one_have_ended() -> None:
    (took_s,) = map(float, output_with_a_refused_port("-c", AWAIT_A_ROUTE))
    assert took_s > ROUTED_AFTER_S + RETRANSMITTED_AFTER_S
    assert took_s < GIVEN_UP_AFTER_S, "the wait must end at the new route"


def test_spin_guard_stops_a_spinning_sentinel(tmp_path: Path) -> None:
    module = "tests.cluster.spinning_sentinel"
    idle, spinning, freed = map(float, output_with_a_refused_port("-m", module, str(tmp_path))[-3:])
    assert idle < SPINNING_SHARE
    assert spinning > SPINNING_SHARE, "without a spinning server the guard has nothing to repair"
    assert freed < SPINNING_SHARE
