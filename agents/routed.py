"""Whether a host can be reached yet."""

import socket

__all__ = ["is_routed"]

_TIMEOUT_S = 0.5


def is_routed(host: str, port: int) -> bool:
    """Whether there is somebody at a host's address, who may refuse.

    A Service without pods refuses by ICMP. Linux puts that into the socket's error queue, while the
    connection still comes about when the packet that is sent a second later gets through. From then
    on the socket has an error to tell, and a Redis that looks at it does nothing else: it never
    reads that queue. https://man7.org/linux/man-pages/man7/ip.7.html, IP_RECVERR
    """
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
