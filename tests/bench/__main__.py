"""Run the benchmark: `python -m tests.bench --rounds 5 --seconds 4`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from seawall.common.errors import SeawallError
from seawall.testbed.kit import kit_here
from seawall.testbed.toolchain.debian import BENCH_PACKAGES, ensure_packages
from tests.bench.contestants import CONTESTANTS, Place, Running
from tests.bench.goals import judge
from tests.bench.peers import PeerMissingError
from tests.bench.report import show, write
from tests.bench.rounds import Round, first_answer, measure, summarise
from tests.bench.upstream import MockUpstream

MIN_ROUNDS = 5
CORE, OTHER_CORE = 0, 1


def _arguments() -> argparse.Namespace:
    names = [one.name for one in CONTESTANTS]
    parser = argparse.ArgumentParser(prog="make bench", description="Compare gateways in one run.")
    parser.add_argument(
        "--rounds", type=int, default=MIN_ROUNDS, help="number of rounds; a result needs at least 5"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=4,
        help="seconds of load in each measurement; wrk takes integers",
    )
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    return parser.parse_args()


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")


def _start(
    selected: list[str], folder: Path, upstream: str, stack: ExitStack
) -> tuple[dict[str, Running], dict[str, str]]:
    running: dict[str, Running] = {}
    skipped: dict[str, str] = {}
    for one in CONTESTANTS:
        if one.name not in selected:
            skipped[one.name] = "not selected by --only"
            continue
        _log(f"start {one.name}")
        own = folder / one.name
        own.mkdir()
        try:
            running[one.name] = one.start(Place(own, CORE, OTHER_CORE, upstream))
        except PeerMissingError as missing:
            skipped[one.name] = str(missing)
            continue
        stack.callback(running[one.name].stop)
    return running, skipped


def _measure(
    running: Mapping[str, Running], arguments: argparse.Namespace
) -> Mapping[str, list[Round]]:
    rounds: dict[str, list[Round]] = {name: [] for name in running}
    for one in running.values():
        first_answer(one)
    # The first round is a warm-up without results: pools fill, and code is compiled.
    for number in range(arguments.rounds + 1):
        for name, one in running.items():
            seconds = arguments.seconds if number else 1
            found = measure(
                one, connections=arguments.connections, seconds=seconds, core=OTHER_CORE
            )
            if number:
                rounds[name].append(found)
                _log(
                    f"round {number} of {arguments.rounds}: {name} "
                    f"{found.many.per_s:,.0f}/s, {found.cpu_ms:.3f} ms CPU"
                )
    return rounds


def main() -> int:
    """Run the benchmark.

    Returns:
        0; 1 if a ratio misses its goal by more than a factor of three; the exit code of the error
        if the programs of the benchmark cannot be installed.
    """
    arguments = _arguments()
    try:
        kit = kit_here()
        ensure_packages(BENCH_PACKAGES, kit.progress, kit.cache.root / "logs")
    except SeawallError as failed:
        _log(f"bench: {failed}")
        return failed.exit_code
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name, ExitStack() as stack:
        upstream = MockUpstream(Path(name), OTHER_CORE)
        stack.callback(upstream.stop)
        running, skipped = _start(arguments.only, Path(name), upstream.url, stack)
        rounds = _measure(running, arguments)
    figures = {contestant: summarise(found) for contestant, found in rounds.items()}
    verdicts = judge(figures)
    how = (
        f"{arguments.rounds} rounds of {arguments.seconds:g} s, "
        f"{arguments.connections} connections; latencies with one connection; "
        "one worker on one core, load and mock upstream on the other; "
        f"load average at the start {load:.1f}"
    )
    show(figures, verdicts, skipped, how)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write(arguments.out, figures, verdicts, skipped, how)
    _log(f"written: {arguments.out}/results.json and results.svg")
    return 0 if all(verdict.passes for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
