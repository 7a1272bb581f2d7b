"""JSON that is written otherwise than its reference says, and means the same.

Some providers cut a character in two, so that each half is an escape that stands for nothing alone,
and clients send such text back; SDKs write null for what is not there, and 4096.0 for a number.
Python's json takes and writes all that, msgspec does not.
"""

import json
from typing import TypeVar, cast

import msgspec

__all__ = ["plain", "plainer", "read_json", "whole_characters", "write_json"]

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode
_NOT_OURS = frozenset(("input", "arguments", "parameters", "input_schema", "schema", "metadata"))
"""What people or models wrote: null has a meaning there."""


def whole_characters(data: bytes) -> bytes:
    """The same JSON: two halves that meet are one character, one that is alone is U+FFFD.

    Raises:
        msgspec.DecodeError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return _text(_loads(data))


def plainer(data: bytes) -> bytes:
    """The same JSON with whole characters, without nulls, and with whole numbers as such.

    Raises:
        msgspec.DecodeError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return _text(plain(_loads(data)))


def read_json(data: bytes, decoder: "msgspec.json.Decoder[_T]") -> _T:
    """What the decoder makes of it, and if that fails, of the plainer JSON.

    Raises:
        msgspec.DecodeError: it is no JSON, or none of the decoder's type.
        RecursionError: it is nested too deeply.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decoder.decode(plainer(data))


def plain(value: object) -> object:
    """A value of JSON without nulls, and with whole numbers as such."""
    if isinstance(value, list):
        return [plain(one) for one in cast("list[object]", value) if one is not None]
    if isinstance(value, dict):
        return {
            name: one if name in _NOT_OURS else plain(one)
            for name, one in cast("dict[str, object]", value).items()
            if one is not None
        }
    return int(value) if isinstance(value, float) and value.is_integer() else value


def write_json(document: object) -> bytes:
    """The document; half a character stays the escape that it was, for the client to put together.

    Raises:
        TypeError: it holds what JSON has no form for.
    """
    try:
        return _encode(document)
    except UnicodeEncodeError:
        return json.dumps(document, default=_raw).encode()


def _loads(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None


def _text(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _raw(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    raise TypeError(type(value).__name__)
