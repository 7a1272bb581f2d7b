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
    with tempfile.TemporaryDirectory(prefix="seawall-faults-") as name, suite(Path(name)) as made:
        for case in CASES:
            for stream in (False, True):
                one = made.run(case, stream=stream)
                observed.append(one)
                verdict = "as promised" if one.seen == one.promised else f"NOT {one.promised}"
                sys.stderr.write(f"{case.title}: {one.seen}: {verdict}\n")
    with tempfile.TemporaryDirectory(prefix="seawall-quirks-") as name, quirks(Path(name)) as ways:
        seen = [(quirk, ways.seen(quirk)) for quirk in QUIRKS]
    for quirk, what in seen:
        verdict = "as promised" if what == quirk.seen else f"NOT {quirk.seen}"
        sys.stderr.write(f"{quirk.provider}, {quirk.title}: {what}: {verdict}\n")
    sys.stdout.write(table(observed) + quirks_table(seen))
    good = all(one.seen == one.promised for one in observed)
    return 0 if good and all(what == quirk.seen for quirk, what in seen) else 1


if __name__ == "__main__":
    sys.exit(main())
