"""The plugin process: serve the protocol on loopback, and end when the CLI does."""

import os
import signal
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from seawall.engine.standin.servicer import StandIn

__all__ = ["serve"]

_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""As the engine allows; grpc's own default of 4 MiB is less than one large ConfigMap list."""
_PARENT_POLL_S = 1.0
_WORKERS = 32


def serve() -> None:
    """Serve until the engine that started this process is gone.

    The CLI normally ends its plugins. When it was killed nobody does, so the parent is watched.
    """
    # The CLI starts its plugins in process groups of their own, so Ctrl-C does not come here: an
    # interrupt is the CLI's way of saying that it is done, and it waits 5 s for an answer.
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: done.set())
    server = grpc.server(  # pyright: ignore[reportUnknownMemberType] - its handlers are untyped
        futures.ThreadPoolExecutor(_WORKERS),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - the protocol: the engine reads the port from stdout
    parent = os.getppid()
    while os.getppid() == parent and not done.wait(_PARENT_POLL_S):
        pass
    # Without waiting for the workers: whoever could take their answers is gone.
    os._exit(0)
