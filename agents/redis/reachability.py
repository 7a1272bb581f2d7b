"""Whether clients can reach this host yet."""

import socket
import time

__all__ = ["await_route", "is_routed"]

_TIMEOUT_S = 0.5
_LOOK_EVERY_S = 0.2
_WITHIN_S = 10.0
"""Where no pod reaches itself by its Service: nobody waits for that."""
_QUIET_S = 2.5
"""The first retransmission comes after 1 s (RFC 6298), and kube-proxy on another node may write its
rules 1 s later than the one here (its default of `minSyncPeriod`)."""


def await_route(host: str, port: int) -> None:
    """Return when this host's address has led here for some seconds, or after ten.

    A Service without pods refuses by ICMP, in the very call of connect where client and rule are on
    one node. Linux then puts the refusal into the socket's error queue and goes on connecting. Had
    we listened when it retransmits, that connection would come about with an error to tell, and a
    client that does not read the queue, as Redis and Sentinel do not, would be told of it without
    end: it spends all the CPU that it gets. While the address leads here and nobody listens,
    connections are refused by TCP, which leaves nothing.
    https://man7.org/linux/man-pages/man7/ip.7.html, IP_RECVERR
    """
    late = time.monotonic() + _WITHIN_S
    since: float | None = None
    while (now := time.monotonic()) < late:
        if not is_routed(host, port):
            since = None
        elif since is None:
            since = now
        elif now - since >= _QUIET_S:
            return
        time.sleep(_LOOK_EVERY_S)


def is_routed(host: str, port: int) -> bool:
    """Whether there is somebody at a host's address, who may refuse."""
    with socket.socket() as connection:
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect((host, port))
        except ConnectionRefusedError:
            return not _has_queued_error(connection)
        except OSError:
            return False
    return True


def _has_queued_error(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        connection.recvmsg(1, 1024, socket.MSG_ERRQUEUE)
    except BlockingIOError:
        return False
    return True
