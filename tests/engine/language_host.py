"""A language host for tests of the plain CLI: it runs the project's program with this Python.

It replaces the official host, which ships with the official CLI, and has no support for virtual
environments and packages. It extends the SDK's own server: it only runs a folder's __main__.py.
"""

import os
import runpy
import signal
import sys
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


class Host(LanguageServer):
    """Runs `__main__.py` of the program's folder."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine

    def Handshake(  # noqa: N802 - the protocol's name
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        del request, context
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(  # noqa: N802 - the protocol's name
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        del request, context
        return plugin_pb2.PluginInfo(version="0.1.0-test")

    def Cancel(  # noqa: N802 - the protocol's name
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        del context
        return request

    def Run(  # noqa: N802 - the protocol's name
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        folder = Path(request.info.program_directory)
        os.chdir(folder)
        sys.path[0] = str(folder)

        def program() -> None:
            runpy.run_path(str(folder / "__main__.py"), run_name="__main__")

        self.program = program
        request.args.insert(0, self._engine)
        return super().Run(request, context)  # pyright: ignore[reportUnknownMemberType, reportArgumentType]


def main() -> None:
    """Serve until the CLI that started this process is gone."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(0))
    server = grpc.server(futures.ThreadPoolExecutor(4))  # pyright: ignore[reportUnknownMemberType]
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(sys.argv[-1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        server.wait_for_termination(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
