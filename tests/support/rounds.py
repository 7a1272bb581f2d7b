"""Repeat the tests in one run of pytest: `--rounds=N`, and `--rounds-within=SECONDS`.

Session fixtures are set up once. A round begins only if the remaining time is enough for the
longest round so far.
"""

import time
from typing import cast

import pytest

__all__ = ["DONE", "ROUNDS", "add_options"]

ROUNDS = "--rounds"
_WITHIN = "--rounds-within"
DONE = pytest.StashKey[int]()
"""The number of completed rounds."""


def add_options(parser: pytest.Parser) -> None:
    """Let pytest take `--rounds=N` and `--rounds-within=SECONDS`, each in one word."""
    parser.addoption(ROUNDS, type=int, metavar="N", help="run the tests N times")
    parser.addoption(
        _WITHIN, type=float, default=float("inf"), help="begin no round that would end later"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the rounds.

    Raises:
        pytest.Session.Failed: a test failed, and the run is to end with that.
        pytest.Session.Interrupted: a plugin asked the run to stop.
    """
    config = session.config
    wanted: int | None = config.getoption(ROUNDS)
    if wanted is None or session.testsfailed or config.option.collectonly:
        return None
    config.stash[DONE] = 0
    left_s = float(config.getoption(_WITHIN) or 0)
    longest_s = 0.0
    while config.stash[DONE] < wanted and left_s >= longest_s:
        began = time.monotonic()
        number = config.stash[DONE] + 1
        print(f"\nround {number} of {wanted}; {left_s / 60:.0f} min left", flush=True)
        _run(session)
        took_s = time.monotonic() - began
        longest_s = max(longest_s, took_s)
        left_s -= took_s
        config.stash[DONE] = number
    return True


def _run(session: pytest.Session) -> None:
    """Run each test once.

    After the last test pytest tears down all fixtures except session fixtures, because the session
    itself is passed as the next item.
    """
    after = [*session.items[1:], cast("pytest.Item", session)]
    for item, following in zip(session.items, after, strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
