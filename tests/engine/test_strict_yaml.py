"""YAML that means something else than it looks like is refused with its place."""

from pathlib import Path

import pytest

from seawall.engine.errors import WorkspaceError
from seawall.engine.strict_yaml import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "Pulumi.test.yaml"


def test_plain_yaml_is_taken_as_it_stands(file: Path) -> None:
    file.write_text("# naïve comment\na: 1\nb: {c: [1, x], d: 'ü', e: 2026-01-01}\r\n")
    assert load(file) == {"a": 1, "b": {"c": [1, "x"], "d": "ü", "e": "2026-01-01"}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: key 'a' stands here a second time"),
        ("a:\n  b: {c: 1, c: 2}\n", "line 2, column 13: key 'c' stands here a second time"),
        ("a:\n\tb: 1\n", "line 2, column 1: a tab"),
        ("a: \u201cx\u201d\n", "line 1, column 4: U+201C LEFT DOUBLE QUOTATION MARK"),
        ("a:\u00a01\n", "line 1, column 3: U+00A0 NO-BREAK SPACE"),
        ("a: x\u200b\n", "line 1, column 5: U+200B ZERO WIDTH SPACE"),
        ("\ufeffa: 1\n", "line 1, column 1: U+FEFF"),
        ("a: \x07\n", "line 1, column 4: U+0007 a control character"),
        ("\u0430: 1\n", "holds U+0430 CYRILLIC SMALL LETTER A"),
        ("on: 1\n", "key on is not a text"),
        ("1: 1\n", "key 1 is not a text"),
        ("a: [1\n", "expected ',' or ']'"),
        ("a: !!python/object:os.system x\n", "could not determine a constructor"),
        ("- 1\n", "is no YAML mapping"),
        ("", "is no YAML mapping"),
        ("a: *b\n", "found undefined alias"),
    ],
)
def test_what_is_refused_is_named_with_its_place(file: Path, text: str, told: str) -> None:
    file.write_bytes(text.encode())
    with pytest.raises(WorkspaceError) as caught:
        load(file)
    message = str(caught.value)
    assert told in message
    assert message.startswith(str(file))
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_bytes_that_are_no_utf_8_are_refused(file: Path) -> None:
    file.write_bytes(b"a: \xff\n")
    with pytest.raises(WorkspaceError, match=r"byte 4 is no UTF-8"):
        load(file)
