"""A Redis whose socket has an error that it never reads is busy for ever.

The cause is in `agents.redis.reachability`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.cluster]

RETRANSMITTED_AFTER_S = 1.0
"""The first time; RFC 6298."""
SPINS = 0.2
"""Of a core; the servers are not limited, and the machine may have others to serve."""
GIVEN_UP_AFTER_S = 10.0
ROUTED_AFTER_S = 1.0
REJECT = "INPUT -p tcp --dport 9 -j REJECT --reject-with icmp-port-unreachable"
ASKED = """
from agents.redis.reachability import is_routed
import socket
listening = socket.create_server(("127.0.0.1", 0))
for port in (listening.getsockname()[1], 7, 9):
    print(is_routed("127.0.0.1", port))
"""
AWAITED = f"""
from agents.redis.reachability import await_route
import subprocess, threading, time
removal = ["iptables", "-D", *{REJECT!r}.split()]
routed = threading.Timer({ROUTED_AFTER_S}, subprocess.run, [removal])
begun = time.monotonic()
routed.start()
await_route("127.0.0.1", 9)
print(time.monotonic() - begun)
"""


def with_a_refused_port(*arguments: str) -> list[str]:
    """What Python prints in a network where port 9 is refused as kube-proxy refuses."""
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


def test_who_refuses_is_there_and_a_service_without_pods_is_not() -> None:
    assert with_a_refused_port("-c", ASKED) == ["True", "True", "False"]


def test_nobody_listens_before_connections_from_without_a_route_are_over() -> None:
    (took_s,) = map(float, with_a_refused_port("-c", AWAITED))
    assert took_s > ROUTED_AFTER_S + RETRANSMITTED_AFTER_S
    assert took_s < GIVEN_UP_AFTER_S, "it did not see the route"


def test_one_that_spins_is_freed(tmp_path: Path) -> None:
    module = "tests.cluster.spinning_sentinel"
    idle, spinning, freed = map(float, with_a_refused_port("-m", module, str(tmp_path))[-3:])
    assert idle < SPINS
    assert spinning > SPINS, "nothing was wrong that the guard could mend"
    assert freed < SPINS
