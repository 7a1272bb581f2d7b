"""Whether clients can reach this host yet."""

import socket
import time

__all__ = ["await_route", "is_routed"]

_TIMEOUT_S = 0.5
_LOOK_EVERY_S = 0.2
_WITHIN_S = 10.0
"""The longest wait, for clusters in which a pod cannot reach itself through its Service."""
_QUIET_S = 2.5
"""The first retransmission comes after 1 s (RFC 6298), and kube-proxy on another node may write its
rules 1 s later than on this node (the default of its `minSyncPeriod`)."""


def await_route(host: str, port: int) -> None:
    """Return when this host's address has been routed here for 2.5 seconds, or after ten.

    A Service without pods refuses connections by ICMP. When client and rule are on one node, that
    happens inside the call of connect. Linux puts the refusal into the socket's error queue, and
    goes on connecting. If this process listened by the time of the retransmission, the connection
    would succeed with a pending error. A client that does not read the error queue, such as Redis
    or Sentinel, is then notified of the error for ever, and uses all the CPU that it gets. While
    the address is routed here and no process listens, TCP refuses connections, and no error stays
    in the queue.
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
    """Whether a host's address leads to a machine, which may refuse the connection by TCP."""
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
