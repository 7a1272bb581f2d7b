"""`python -m simulator --name alpha` runs a simulated provider."""

import argparse
import asyncio
import signal
import socket
import sys

import uvloop

from contract.ports import SIMULATOR_ADMIN, SIMULATOR_HTTP
from simulator.server import ProviderSimulator, SimulatorOptions

EXIT_USAGE = 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="An OpenAI-compatible provider simulator that fails on request.",
    )
    parser.add_argument("--name", required=True, help="the name of the simulator in its answers")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - a pod's own network namespace
    parser.add_argument("--port", type=int, default=SIMULATOR_HTTP)
    parser.add_argument("--admin-port", type=int, default=SIMULATOR_ADMIN)
    parser.add_argument("--tokens", type=int, default=12, help="pieces of text per answer")
    parser.add_argument("--token-delay-ms", type=float, default=0.0, help="pause after each piece")
    return parser.parse_args()


async def _run(simulator: ProviderSimulator) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, simulator.stop)
    await simulator.run()


def main() -> int:
    """Run until SIGTERM.

    Returns:
        The exit code: 0, or 2 after one line on stderr when a port is taken.
    """
    arguments = _arguments()
    try:
        http = socket.create_server((arguments.host, arguments.port), backlog=1024)
        admin = socket.create_server((arguments.host, arguments.admin_port))
    except OSError as error:
        line = f"simulator {arguments.name}: cannot listen: {error}"
        print(line, file=sys.stderr)  # noqa: T201 - for the person who started it
        return EXIT_USAGE
    options = SimulatorOptions(
        name=arguments.name,
        tokens=arguments.tokens,
        token_delay_s=arguments.token_delay_ms / 1000,
    )
    simulator = ProviderSimulator(options, http=http, admin=admin)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(simulator))
    return 0


if __name__ == "__main__":
    sys.exit(main())
