"""A stub provider that sends exactly the bytes of a test."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.service.kit import Gateway, Simulator

CHOICE = b'{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'


@contextmanager
def provider(*answers: bytes) -> Generator[str]:
    """Run a server that answers with these bytes in turn, repeats the last, and keeps connections.

    Yields the server's address.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []
    left = list(reversed(answers))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            connection.recv(65536)
            connection.sendall(left.pop() if len(left) > 1 else left[0])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in held:
            connection.close()


@contextmanager
def gateway_before(
    folder: Path, alpha: Simulator, answer: bytes, deadline_s: float = 600, **timeouts: str
) -> Generator[Gateway]:
    with provider(answer) as url:
        gateway = Gateway(
            folder,
            [alpha],
            providers={"alpha": {"kind": "openai-compatible", "base_url": url}},
            timeouts=timeouts,
            admission={"deadline": f"{round(deadline_s * 1000)}ms"},
        )
        try:
            yield gateway
        finally:
            gateway.stop()


def whole(status: str, body: bytes, headers: bytes) -> bytes:
    length = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n".encode()
    return length + headers + b"\r\n\r\n" + body
