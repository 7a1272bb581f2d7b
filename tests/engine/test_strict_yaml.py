"""YAML that does not mean what it looks like is refused with its position."""

from pathlib import Path

import pytest
import yaml

from seawall.engine.errors import WorkspaceError
from seawall.engine.strict_yaml import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "Pulumi.test.yaml"


def test_plain_yaml_is_loaded_unchanged(file: Path) -> None:
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
        ("true: 1\n", "key true is not a text"),
        ("a: 1\n<<: {b: 1}\n", "line 2, column 1: key << is not a text"),
        ("1: 1\n", "key 1 is not a text"),
        ("a: [1\n", "expected ',' or ']'"),
        ("a: !!python/object:os.system x\n", "line 1, column 4: tag !!python/object:os.system"),
        ("a: !!binary aGk=\n", "line 1, column 4: tag !!binary; write a plain value"),
        ("a: !!set {b, c}\n", "line 1, column 4: tag !!set"),
        ("a:\n  b: !!omap [c: 1]\n", "line 2, column 6: tag !!omap"),
        ("a: !!int 0100\n", "line 1, column 4: tag !!int"),
        ("a: ! 1\n", "line 1, column 4: tag !;"),
        ("a: !mine 1\n", "line 1, column 4: tag !mine;"),
        ("a: &b 1\n", "line 1, column 4: anchor &b; write the value"),
        ("a: &b [*b]\n", "line 1, column 4: anchor &b"),
        ("- 1\n", "is no YAML mapping"),
        ("", "is no YAML mapping"),
        ("a: *b\n", "line 1, column 4: alias *b; write the value"),
    ],
)
def test_ambiguous_yaml_is_refused_with_its_position(file: Path, text: str, told: str) -> None:
    file.write_bytes(text.encode())
    with pytest.raises(WorkspaceError) as caught:
        load(file)
    message = str(caught.value)
    assert told in message
    assert message.startswith(str(file))
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_invalid_utf_8_is_refused(file: Path) -> None:
    file.write_bytes(b"a: \xff\n")
    with pytest.raises(WorkspaceError, match=r"byte 4 is no UTF-8"):
        load(file)


@pytest.mark.parametrize(
    "text",
    [
        "0100",
        "0o17",
        "0x10",
        "0b1",
        "1_000",
        "1_0.5",
        "2:30",
        "1:30.5",
        "1e3",
        ".inf",
        ".nan",
        "01.5",
    ]
    + ["yes", "no", "on", "off", "Yes", "NO", "y", "n", "=", "2026-01-01"],
)
def test_values_that_yaml_versions_read_differently_stay_strings(file: Path, text: str) -> None:
    file.write_text(f"a: {text}\n")
    assert load(file) == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-12", -12), ("+3", 3), ("100", 100), ("0.5", 0.5), ("-1.5", -1.5), ("1.0e+3", 1e3)]
    + [("true", True), ("False", False), ("null", None), ("~", None), ("", None)]
    + [('"1"', "1"), ("'true'", "true"), ("!!str 1", "1")],
)
def test_plain_numbers_and_booleans_are_parsed(file: Path, text: str, value: object) -> None:
    file.write_text(f"a: {text}\n")
    found = load(file)["a"]
    assert found == value
    assert type(found) is type(value)


def test_dumped_values_are_loaded_unchanged(file: Path) -> None:
    values = {
        "t": ["1e5", "0100", "yes", "true", "1.0", "", "2:30"],
        "v": [1, 1.5, 1e30, None, True],
    }
    file.write_text(yaml.safe_dump(values))
    assert load(file) == values
