"""Files that are not a valid state: the remains of a state, or another file."""

import pytest

from seawall.engine.snapshot import DamagedError, Snapshot


@pytest.mark.parametrize("text", [b"", b'{"version":3,"checkp', b"\0" * 4096, b"[]", b"{}"])
def test_a_damaged_state_is_not_read_as_an_empty_one(text: bytes) -> None:
    with pytest.raises(DamagedError):
        Snapshot.of_file(text)
