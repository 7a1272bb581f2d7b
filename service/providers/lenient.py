"""Reads and writes JSON that deviates from the APIs' references without a change of meaning.

Some providers split a character into two surrogate escapes, each invalid alone, and clients send
such text back. SDKs write null for a missing value, and 4096.0 for an integer. Python's json
module reads and writes all of that; msgspec does not.
"""

import json
from typing import TypeVar, cast

import msgspec

__all__ = ["plain", "plainer", "read_json", "whole_characters", "write_json"]

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode
_NOT_OURS = frozenset(("input", "arguments", "parameters", "input_schema", "schema", "metadata"))
"""Fields with values of users or models, where null has a meaning."""


def whole_characters(data: bytes) -> bytes:
    """The same JSON with surrogate pairs joined to characters; a lone surrogate becomes U+FFFD.

    Raises:
        msgspec.DecodeError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return _text(_loads(data))


def plainer(data: bytes) -> bytes:
    """The same JSON with whole characters, without nulls, and with integers for whole floats.

    Raises:
        msgspec.DecodeError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return _text(plain(_loads(data)))


def read_json(data: bytes, decoder: "msgspec.json.Decoder[_T]") -> _T:
    """Decode the data; if that fails, decode the result of `plainer`.

    Raises:
        msgspec.DecodeError: it is not JSON, or not of the decoder's type.
        RecursionError: it is nested too deeply.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decoder.decode(plainer(data))


def plain(value: object) -> object:
    """A JSON value without nulls, and with integers for whole floats."""
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
    """Encode the document; a lone surrogate stays an escape, which the client can join.

    Raises:
        TypeError: it contains a value that JSON cannot express.
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
