"""Detection of cut-off and failed updates from the output of the Pulumi CLI."""

from pathlib import Path

import pytest
from pulumi.automation import CommandResult
from pulumi.automation.errors import create_command_error

from seawall.engine.errors import UpdateCutOff, UpdateFailed
from seawall.engine.layout import Layout
from seawall.engine.session import Session

# gRPC's message depends on the progress of the connection when the provider died.
CUT_OFF = [
    "error: Detected that /a/pulumi-resource-kubernetes exited prematurely.",
    'error: connection error: desc = "error reading server preface: connection reset by peer"',
    'error: connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:1"',
    "error: rpc error: code = Unavailable desc = error reading from server: EOF",
    "error: rpc error: code = Unavailable desc = transport is closing",
    "error: failed to save checkpoint: write /a: no space left on device",
]
FAILED = [
    "error: configmaps link-3 already exists",
    "error: rpc error: code = Unknown desc = the server refused the connection to 127.0.0.1",
]


def told(checkout: Path, words: str) -> UpdateFailed:
    session = Session(
        Layout(checkout=checkout, root=checkout / ".seawall", env="test"),
        cli=lambda: checkout,
        provider=lambda: checkout,
    )
    with pytest.raises(UpdateFailed) as caught, session.heard():
        raise create_command_error(CommandResult(stdout="", stderr=words, code=1))
    return caught.value


@pytest.mark.parametrize("words", CUT_OFF)
def test_provider_crash_or_full_disk_counts_as_cut_off(checkout: Path, words: str) -> None:
    error = told(checkout, words)
    assert isinstance(error, UpdateCutOff)
    assert "the next `up` cleans up" in str(error)


@pytest.mark.parametrize("words", FAILED)
def test_ordinary_error_does_not_count_as_cut_off(checkout: Path, words: str) -> None:
    assert not isinstance(told(checkout, words), UpdateCutOff)
