"""`python -m tests.faults`: run every case, print docs/faults.md; progress goes to stderr."""

import sys
import tempfile
from pathlib import Path

from tests.faults.cases import CASES
from tests.faults.quirks import QUIRKS, quirks, quirks_table
from tests.faults.suite import Observed, suite, table


def main() -> int:
    """Return 0, or 1 if a client saw another result than documented."""
    observed: list[Observed] = []
    with (
        tempfile.TemporaryDirectory(prefix="seawall-faults-") as name,
        suite(Path(name)) as running_suite,
    ):
        for case in CASES:
            for stream in (False, True):
                observation = running_suite.run(case, stream=stream)
                observed.append(observation)
                verdict = (
                    "as promised"
                    if observation.seen == observation.promised
                    else f"NOT {observation.promised}"
                )
                sys.stderr.write(f"{case.title}: {observation.seen}: {verdict}\n")
    with (
        tempfile.TemporaryDirectory(prefix="seawall-quirks-") as name,
        quirks(Path(name)) as running_quirks,
    ):
        seen = [(quirk, running_quirks.seen(quirk)) for quirk in QUIRKS]
    for quirk, result in seen:
        verdict = "as promised" if result == quirk.seen else f"NOT {quirk.seen}"
        sys.stderr.write(f"{quirk.provider}, {quirk.title}: {result}: {verdict}\n")
    sys.stdout.write(table(observed) + quirks_table(seen))
    all_as_promised = all(observation.seen == observation.promised for observation in observed)
    return 0 if all_as_promised and all(result == quirk.seen for quirk, result in seen) else 1


if __name__ == "__main__":
    sys.exit(main())
